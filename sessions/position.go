package sessions

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// position fills in where in the log the client begins: behind what it has
// missed, or with a snapshot, or at the end. It returns the position behind
// which the channel goes on live; a zero one means with whatever was kept.
func (s *session) position(ctx context.Context, sub *subscription, res *protocol.SubscribeResult) (hub.Position, *Code, error) {
	if !sub.positioned && !sub.recoverable {
		return hub.Position{}, nil, nil
	}
	res.Positioned = true
	if sub.recover && sub.recoverable {
		after, whole, err := s.recover(ctx, sub, res)
		if err != nil || whole {
			return after, nil, err
		}
		if sub.reject && !sub.cache { // what is not cached yet is not lost
			return after, ErrorUnrecoverablePosition, nil
		}
	}
	if sub.channel.HasEntries() {
		return s.snapshot(ctx, sub, res)
	}
	if res.Epoch == "" {
		top, err := s.server.hub.History(ctx, sub.channel, hub.HistoryQuery{})
		if err != nil {
			return hub.Position{}, nil, err
		}
		res.Epoch, res.Offset = top.Position.Epoch, top.Position.Offset
	}
	return hub.Position{Epoch: res.Epoch, Offset: res.Offset}, nil, nil
}

// recover reads what the client has missed. It is false if the log does not
// hold all of it; then res tells where the log ends.
//
// The offset of the reply is the one asked for: clients take theirs from the
// publications that come with it. Where none of the missed events is for this
// client, it is where the log ends, so that the next recovery begins there.
func (s *session) recover(ctx context.Context, sub *subscription, res *protocol.SubscribeResult) (hub.Position, bool, error) {
	var missed hub.History
	var whole bool
	var err error
	if sub.cache {
		missed, whole, err = s.latest(ctx, sub)
	} else {
		missed, whole, err = s.server.hub.Since(ctx, sub.channel, sub.since, s.server.opts.RecoveryLimit)
	}
	if err != nil {
		return hub.Position{}, false, err
	}
	end := missed.Position
	res.Epoch, res.Offset = end.Epoch, end.Offset
	if !whole {
		return end, false, nil
	}
	res.Recovered = true
	for _, m := range missed.Messages {
		sub.heeds = sub.heeds || heedsMessage(m)
		if pub := sub.topic.publication(sub.audience, m); pub != nil {
			if sub.delta {
				pub = deltaPublication(s.encoding, pub, sub.base)
				sub.base = m.Data
			}
			res.Publications = append(res.Publications, pub)
		}
	}
	if len(res.Publications) > 0 || len(missed.Messages) == 0 {
		res.Offset = sub.since.Offset
	}
	return end, true, nil
}

// latest is what cache recovery gives: the last publication, unless the client has it.
func (s *session) latest(ctx context.Context, sub *subscription) (hub.History, bool, error) {
	h, err := s.server.hub.History(ctx, sub.channel, hub.HistoryQuery{Limit: 1, Reverse: true})
	if err != nil {
		return h, false, err
	}
	same := sub.since.Offset > 0 && sub.since == h.Position
	if len(h.Messages) == 0 {
		return h, same, nil
	}
	whole := h.Messages[0].Position == h.Position
	if same {
		h.Messages = nil
	}
	return h, whole, nil
}

// snapshot gives the channel's entries as the client's audience sees them.
func (s *session) snapshot(ctx context.Context, sub *subscription, res *protocol.SubscribeResult) (hub.Position, *Code, error) {
	snapshot, err := s.server.hub.Snapshot(ctx, sub.channel)
	if err != nil {
		return hub.Position{}, nil, err
	}
	sub.heeds = sub.heeds || heedsEntries(snapshot.Entries)
	data, err := json.Marshal(struct {
		Entries map[string]hub.Entry `json:"entries"`
		Role    hub.Role             `json:"role"`
	}{s.server.hub.Sights().Entries(sub.audience, sub.channel, snapshot.Entries), sub.audience.Role})
	if err != nil {
		return hub.Position{}, nil, err
	}
	res.Epoch, res.Offset, res.Data = snapshot.Position.Epoch, snapshot.Position.Offset, data
	return snapshot.Position, nil, nil
}

// history answers the command of that name.
func (s *session) history(req *protocol.HistoryRequest) (*protocol.HistoryResult, *Code) {
	ctx := s.server.ctx
	ch, code := s.named(req.Channel)
	if code != nil {
		return nil, code
	}
	id := s.identity.Load()
	if p := s.server.access.history(ctx, id, ch, s.subscription(ch) != nil); p != nil {
		return nil, ofProblem(p)
	}
	q := hub.HistoryQuery{Limit: int(req.Limit), Reverse: req.Reverse}
	if most := s.server.opts.HistoryLimit; q.Limit < 0 || q.Limit > most {
		q.Limit = most
	}
	if req.Since != nil {
		q.Since = &hub.Position{Epoch: req.Since.Epoch, Offset: req.Since.Offset}
	}
	h, err := s.server.hub.History(ctx, ch, q)
	switch {
	case errors.Is(err, hub.ErrEpoch):
		return nil, ErrorUnrecoverablePosition
	case err != nil:
		s.server.log.Warn("history cannot be read", "channel", ch, "err", err)
		return nil, ErrorInternal
	}
	if p := s.server.access.Still(ctx, id, ch, h.Position); p != nil {
		return nil, ofProblem(p)
	}
	res := &protocol.HistoryResult{
		Publications: make([]*protocol.Publication, 0, len(h.Messages)), // in JSON a list also where it is empty
		Epoch:        h.Position.Epoch, Offset: h.Position.Offset,
	}
	var audience hub.Audience
	if ch.HasEntries() {
		audience = s.server.access.Audience(ctx, id, ch)
	}
	t := &topic{server: s.server, name: ch}
	for _, m := range h.Messages {
		if pub := t.publication(audience, m); pub != nil {
			res.Publications = append(res.Publications, pub)
		}
	}
	return res, nil
}
