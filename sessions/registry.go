package sessions

import (
	"slices"
	"sync"
)

// registry knows the sessions of this node that are connected, by client and by user.
type registry struct {
	mu      sync.RWMutex
	clients map[string]*session
	users   map[string][]*session
}

func newRegistry() *registry {
	return &registry{clients: map[string]*session{}, users: map[string][]*session{}}
}

// add takes a session in, unless its user already has limit of them (0: no limit).
func (r *registry) add(s *session, user string, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if user != "" {
		if limit > 0 && len(r.users[user]) >= limit {
			return false
		}
		r.users[user] = append(r.users[user], s)
	}
	r.clients[s.id] = s
	return true
}

func (r *registry) remove(s *session, user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clients[s.id] != s {
		return
	}
	delete(r.clients, s.id)
	of := r.users[user]
	if i := slices.Index(of, s); i >= 0 {
		if len(of) == 1 {
			delete(r.users, user)
		} else {
			of[i] = of[len(of)-1]
			of[len(of)-1] = nil
			r.users[user] = of[:len(of)-1]
		}
	}
}

// find are the sessions of a user, or the one of that user with a client id;
// without a user any session of that id.
func (r *registry) find(user, client string) []*session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if client == "" {
		return slices.Clone(r.users[user])
	}
	s := r.clients[client]
	if s == nil || (user != "" && !slices.Contains(r.users[user], s)) {
		return nil
	}
	return []*session{s}
}

// all are the sessions of this node that are connected.
func (r *registry) all() []*session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*session, 0, len(r.clients))
	for _, s := range r.clients {
		all = append(all, s)
	}
	return all
}

func (r *registry) count() (clients, users int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.clients), len(r.users)
}
