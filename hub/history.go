package hub

import (
	"strconv"
	"time"
)

// Plain keeps plain channels in memory: positions, publications and
// idempotency keys. An engine has many, each behind a lock of its own that is
// held during every call; a channel always goes to the same one. A channel
// without history costs nothing here.
//
// A channel that was never published to stands at offset 0 of an epoch of
// this start. One whose position was forgotten (HistoryMetaTTL) stands at
// offset 0 of another, so that no offset is ever used twice in an epoch. What
// is remembered for that is a counter for each of 256 groups of names:
// forgetting a channel also moves on those of its group that were never used.
type Plain struct {
	epoch    string
	forgot   [256]uint32
	streams  map[Channel]*plainStream
	answered map[plainKey]plainAnswer
}

type plainStream struct {
	pos          Position
	kept         []plainKept
	forget       time.Time // zero: never
	version      uint64
	versionEpoch string
}

type plainKept struct {
	m    *Message
	ends time.Time
}

type plainKey struct {
	channel Channel
	key     string
}

type plainAnswer struct {
	pos  Position
	ends time.Time
}

// NewPlain is an empty Plain; epoch is the word of this start.
func NewPlain(epoch string) *Plain { return &Plain{epoch: epoch} }

// Keeps reports whether publications are stored at all with these options.
func (o *PublishOptions) Keeps() bool { return o.HistorySize > 0 && o.HistoryTTL > 0 }

// Publish stores m as opts says and fills in its position. It returns false
// if m is not to be sent: its key is known, or its version is not newer. m is
// not looked at otherwise.
func (p *Plain) Publish(m *Message, opts PublishOptions, now time.Time) (Position, bool) {
	if opts.IdempotencyKey != "" {
		if a, ok := p.answered[plainKey{m.Channel, opts.IdempotencyKey}]; ok && now.Before(a.ends) {
			return a.pos, false
		}
	}
	m.Position = Position{}
	fresh := true
	pos := Position{}
	if opts.Keeps() {
		s := p.stream(m.Channel, now)
		if s == nil {
			s = &plainStream{pos: Position{Epoch: p.epochOf(m.Channel)}}
			if p.streams == nil {
				p.streams = map[Channel]*plainStream{}
			}
			p.streams[m.Channel] = s
		}
		if fresh = opts.newer(s.version, s.versionEpoch); fresh {
			s.add(m, opts, now)
		}
		pos = s.pos
	}
	if opts.IdempotencyKey != "" && opts.IdempotencyTTL > 0 {
		if p.answered == nil {
			p.answered = map[plainKey]plainAnswer{}
		}
		p.answered[plainKey{m.Channel, opts.IdempotencyKey}] = plainAnswer{pos, now.Add(opts.IdempotencyTTL)}
	}
	return pos, fresh
}

// newer reports whether a publication with these options is newer than
// the version that stands. Without a version everything is.
func (o *PublishOptions) newer(version uint64, epoch string) bool {
	return o.Version == 0 || o.Version > version || (o.VersionEpoch != "" && o.VersionEpoch != epoch)
}

func (s *plainStream) add(m *Message, opts PublishOptions, now time.Time) {
	s.pos.Offset++
	m.Position = s.pos
	s.expire(now)
	s.kept = append(s.kept, plainKept{m, now.Add(opts.HistoryTTL)})
	if over := len(s.kept) - opts.HistorySize; over > 0 {
		clear(s.kept[:over])
		s.kept = s.kept[over:]
	}
	s.forget = time.Time{}
	if opts.HistoryMetaTTL > 0 {
		s.forget = now.Add(opts.HistoryMetaTTL)
	}
	if opts.Version > 0 {
		s.version, s.versionEpoch = opts.Version, opts.VersionEpoch
	}
}

// expire lets go of what is too old, from the front.
func (s *plainStream) expire(now time.Time) {
	n := 0
	for n < len(s.kept) && !now.Before(s.kept[n].ends) {
		n++
	}
	clear(s.kept[:n])
	s.kept = s.kept[n:]
	if len(s.kept) == 0 {
		s.kept = nil
	}
}

// stream is the channel's stream, nil if there is none or it is forgotten.
func (p *Plain) stream(name Channel, now time.Time) *plainStream {
	s := p.streams[name]
	if s == nil || s.forget.IsZero() || now.Before(s.forget) {
		return s
	}
	delete(p.streams, name)
	p.forgot[group(name)]++
	return nil
}

// Head is where the channel's log ends. It is false if the channel is not kept here.
func (p *Plain) Head(name Channel, now time.Time) (Position, bool) {
	if s := p.stream(name, now); s != nil {
		return s.pos, true
	}
	return Position{Epoch: p.epochOf(name)}, false
}

// History is a part of the channel's publications; see [Engine.History].
func (p *Plain) History(name Channel, q HistoryQuery, now time.Time) (History, error) {
	pos, ok := p.Head(name, now)
	h := History{Position: pos}
	if q.Since != nil && q.Since.Epoch != "" && q.Since.Epoch != pos.Epoch {
		return h, ErrEpoch
	}
	if !ok || q.Limit == 0 {
		return h, nil
	}
	s := p.streams[name]
	s.expire(now)
	for i := range s.kept {
		if q.Reverse {
			i = len(s.kept) - 1 - i
		}
		kept := s.kept[i]
		if len(h.Messages) == q.Limit {
			break
		}
		if q.Includes(kept.m.Position.Offset) && now.Before(kept.ends) {
			h.Messages = append(h.Messages, kept.m)
		}
	}
	return h, nil
}

// Includes reports whether a message at this offset lies on the asked side of Since.
func (q *HistoryQuery) Includes(offset uint64) bool {
	switch {
	case q.Since == nil:
		return true
	case q.Reverse:
		return offset < q.Since.Offset
	default:
		return offset > q.Since.Offset
	}
}

// Remove forgets the channel's publications, not its position.
func (p *Plain) Remove(name Channel) {
	if s := p.streams[name]; s != nil {
		s.kept = nil
	}
}

// Sweep lets go of everything that has expired.
func (p *Plain) Sweep(now time.Time) {
	for name := range p.streams {
		if s := p.stream(name, now); s != nil {
			s.expire(now)
		}
	}
	for k, a := range p.answered {
		if !now.Before(a.ends) {
			delete(p.answered, k)
		}
	}
}

// Forget drops the channel's stream because another store has taken it over.
func (p *Plain) Forget(name Channel) { delete(p.streams, name) }

func (p *Plain) epochOf(name Channel) string {
	if n := p.forgot[group(name)]; n > 0 {
		return p.epoch + "-" + strconv.FormatUint(uint64(n), 36)
	}
	return p.epoch
}

// group spreads names over the counters; it takes other bits than engines use to choose a Plain.
func group(name Channel) uint8 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return uint8(h >> 24)
}
