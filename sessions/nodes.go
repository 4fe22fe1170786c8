package sessions

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Node is one node of the hub and what is on it.
type Node struct {
	UID     string `json:"uid"` // of the process
	Name    string `json:"name"`
	Version string `json:"version"`

	NumClients  int   `json:"num_clients"`
	NumUsers    int   `json:"num_users"`
	NumSubs     int   `json:"num_subs"`
	NumChannels int   `json:"num_channels"`
	Uptime      int64 `json:"uptime"` // seconds
}

// Nodes tell each other every few seconds how they are. One that says nothing
// any more is forgotten.
const (
	nodeInterval = 3 * time.Second
	nodeSilence  = 3 * nodeInterval
)

// nodes are the others, as they said last.
type nodes struct {
	mu    sync.Mutex // guards the following field
	heard map[string]heard
	greet chan struct{} // somebody new is there, who has heard nothing yet
}

type heard struct {
	Node
	at time.Time
}

// Nodes are this node as it is now and the others as they said last.
func (s *Server) Nodes() []Node {
	all := []Node{s.node()}
	s.nodes.mu.Lock()
	defer s.nodes.mu.Unlock()
	for uid, h := range s.nodes.heard {
		if s.now().Sub(h.at) > nodeSilence {
			delete(s.nodes.heard, uid)
		} else {
			all = append(all, h.Node)
		}
	}
	slices.SortFunc(all[1:], func(a, b Node) int { return cmp.Compare(a.UID, b.UID) })
	return all
}

func (s *Server) node() Node {
	st := s.Stats()
	return Node{
		UID: s.uid, Name: s.opts.Name, Version: s.opts.Version,
		NumClients: st.Clients, NumUsers: st.Users, NumSubs: st.Subscriptions, NumChannels: st.Channels,
		Uptime: int64(s.now().Sub(s.started) / time.Second),
	}
}

// hear takes what a node says of itself. It does not block.
func (s *Server) hear(n Node) {
	if n.UID == s.uid {
		return
	}
	s.nodes.mu.Lock()
	_, known := s.nodes.heard[n.UID]
	s.nodes.heard[n.UID] = heard{n, s.now()}
	s.nodes.mu.Unlock()
	if !known {
		select {
		case s.nodes.greet <- struct{}{}:
		default:
		}
	}
}

// runNodes says how this node is until ctx ends.
func (s *Server) runNodes(ctx context.Context) {
	tick := time.NewTicker(nodeInterval)
	defer tick.Stop()
	for {
		n := s.node()
		if err := s.order(ctx, order{Node: &n}); err != nil {
			s.log.Debug("the other nodes were not told of this one", "err", err)
		}
		select {
		case <-tick.C:
		case <-s.nodes.greet:
		case <-ctx.Done():
			return
		}
	}
}
