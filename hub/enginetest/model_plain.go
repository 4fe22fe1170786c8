package enginetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/samepage/samepage/hub"
)

// plainOf is the channel's state at this time: a position that has ended
// begins a new life, in a new epoch.
func (m *Model) plainOf(name hub.Channel, now time.Time) *modelPlain {
	p := m.plain[name]
	if p == nil {
		return &modelPlain{}
	}
	if !p.forget.IsZero() && !now.Before(p.forget) {
		p = &modelPlain{life: p.life + 1}
		m.plain[name] = p
	}
	return p
}

func (p *modelPlain) position() hub.Position {
	return hub.Position{Epoch: fmt.Sprintf("plain%d", p.life), Offset: p.offset}
}

func (m *Model) plainPosition(name hub.Channel) hub.Position {
	return m.plainOf(name, m.opts.Now()).position()
}

func (m *Model) keptPlain(name hub.Channel) []*hub.Message {
	now := m.opts.Now()
	p := m.plainOf(name, now)
	var kept []*hub.Message
	for i, message := range p.kept {
		if now.Before(p.ends[i]) {
			kept = append(kept, message)
		}
	}
	return kept
}

// Publish implements [hub.Engine]. Where history is not kept (size or time to
// live is 0) the position is the zero one, and versions are not looked at.
func (m *Model) Publish(ctx context.Context, in *hub.Message, opts hub.PublishOptions) (hub.Position, error) {
	if err := m.enter(ctx); err != nil {
		return hub.Position{}, err
	}
	defer m.mu.Unlock()
	now := m.opts.Now()
	id := [2]string{string(in.Channel), opts.IdempotencyKey}
	if known, ok := m.keys[id]; ok && opts.IdempotencyKey != "" && now.Before(known.ends) {
		return known.pos, nil
	}
	message, pos := *in, hub.Position{}
	message.Position, message.Time = hub.Position{}, now.UnixMilli()
	if opts.HistorySize > 0 && opts.HistoryTTL > 0 {
		p := m.plainOf(in.Channel, now)
		m.plain[in.Channel] = p
		older := opts.Version > 0 && opts.Version <= p.version && (opts.VersionEpoch == "" || opts.VersionEpoch == p.versionEpoch)
		if !older {
			p.offset++
			message.Position = p.position()
			p.kept, p.ends = append(p.kept, &message), append(p.ends, now.Add(opts.HistoryTTL))
			if over := len(p.kept) - opts.HistorySize; over > 0 {
				p.kept, p.ends = p.kept[over:], p.ends[over:]
			}
			if p.forget = (time.Time{}); opts.HistoryMetaTTL > 0 {
				p.forget = now.Add(opts.HistoryMetaTTL)
			}
			if opts.Version > 0 {
				p.version, p.versionEpoch = opts.Version, opts.VersionEpoch
			}
			m.send(&message)
		}
		pos = p.position()
	} else {
		m.send(&message)
	}
	if opts.IdempotencyKey != "" && opts.IdempotencyTTL > 0 {
		m.keys[id] = modelKey{pos, now.Add(opts.IdempotencyTTL)}
	}
	return pos, nil
}

// RemoveHistory implements [hub.Engine].
func (m *Model) RemoveHistory(ctx context.Context, name hub.Channel) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	p := m.plainOf(name, m.opts.Now())
	p.kept, p.ends = nil, nil
	return nil
}

// Send implements [hub.Engine].
func (m *Model) Send(ctx context.Context, in *hub.Message) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	message := *in
	message.Position, message.Time = hub.Position{}, m.opts.Now().UnixMilli()
	m.send(&message)
	return nil
}

func (m *Model) send(message *hub.Message) {
	if m.listening && (m.followed[message.Channel] || message.Type == hub.MessageControl) {
		m.queue = append(m.queue, message)
		m.tellChanged()
	}
}

// Listen implements [hub.Engine].
func (m *Model) Listen(ctx context.Context, deliver func(*hub.Message)) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	if m.listening {
		m.mu.Unlock()
		return errors.New("model: the engine has a listener already")
	}
	m.listening = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.listening, m.queue = false, nil
	}()
	for {
		if err := m.enter(ctx); err != nil {
			return err
		}
		messages, changed := m.queue, m.changed
		m.queue = nil
		m.mu.Unlock()
		for _, message := range messages {
			if ctx.Err() == nil {
				deliver(message)
			}
		}
		select {
		case <-changed:
		case <-m.closed:
		case <-ctx.Done():
		}
	}
}

// Follow implements [hub.Engine].
func (m *Model) Follow(ctx context.Context, names ...hub.Channel) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, name := range names {
		m.followed[name] = true
	}
	return nil
}

// Unfollow implements [hub.Engine].
func (m *Model) Unfollow(names ...hub.Channel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range names {
		delete(m.followed, name)
	}
}
