package sessions

import (
	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// presence answers the command of that name: who is in a plain channel.
func (s *session) presence(req *protocol.PresenceRequest) (*protocol.PresenceResult, *Code) {
	ch, code := s.mayCount(req.Channel)
	if code != nil {
		return nil, code
	}
	members, err := s.server.members.Members(s.server.ctx, string(ch))
	if err != nil {
		s.server.log.Warn("presence cannot be read", "channel", ch, "err", err)
		return nil, ErrorInternal
	}
	res := &protocol.PresenceResult{Presence: make(map[string]*protocol.ClientInfo, len(members))}
	for client, m := range members {
		res.Presence[client] = &protocol.ClientInfo{
			User: m.User, Client: m.Client, ConnInfo: protocol.Raw(m.ConnInfo), ChanInfo: protocol.Raw(m.ChanInfo),
		}
	}
	return res, nil
}

// presenceStats answers the command of that name: how many there are.
func (s *session) presenceStats(req *protocol.PresenceStatsRequest) (*protocol.PresenceStatsResult, *Code) {
	ch, code := s.mayCount(req.Channel)
	if code != nil {
		return nil, code
	}
	stats, err := s.server.members.Stats(s.server.ctx, string(ch))
	if err != nil {
		s.server.log.Warn("presence cannot be counted", "channel", ch, "err", err)
		return nil, ErrorInternal
	}
	return &protocol.PresenceStatsResult{NumClients: uint32(stats.Clients), NumUsers: uint32(stats.Users)}, nil
}

func (s *session) mayCount(name string) (hub.Channel, *Code) {
	ch, code := s.named(name)
	if code != nil {
		return "", code
	}
	if p := s.server.access.presence(s.identity.Load(), ch, s.subscription(ch) != nil); p != nil {
		return "", ofProblem(p)
	}
	return ch, nil
}
