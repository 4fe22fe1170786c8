package sessions

import (
	"encoding/json"
	"errors"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// publish answers the command of that name, on plain channels.
func (s *session) publish(req *protocol.PublishRequest) (*protocol.PublishResult, *Code) {
	ch, code := s.named(req.Channel)
	switch {
	case code != nil:
		return nil, code
	case req.Type != 0:
		return nil, ErrorNotAvailable
	}
	id := s.identity.Load()
	sub := s.subscription(ch)
	if p := s.server.access.publish(id, ch, sub != nil); p != nil {
		return nil, ofProblem(p)
	}
	if len(req.Data) == 0 {
		return nil, ErrorBadRequest
	}
	var chanInfo json.RawMessage
	if sub != nil {
		chanInfo = sub.chanInfo
	}
	_, err := s.server.hub.Publish(s.server.ctx, ch, hub.Publication{Data: req.Data, Info: s.info(chanInfo)})
	switch {
	case errors.Is(err, hub.ErrUnknownChannel):
		return nil, ErrorUnknownChannel
	case errors.Is(err, hub.ErrFormat):
		return nil, ErrorBadRequest
	case err != nil:
		s.server.log.Warn("a publication was not taken", "channel", ch, "client", s.id, "err", err)
		return nil, ErrorInternal
	}
	return &protocol.PublishResult{}, nil
}
