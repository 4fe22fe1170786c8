package presence

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"path"
	"sync"
)

const memoryShards = 64

// Memory is a [Store] in this process: it never blocks for long and fails
// only on a context that has ended or a pattern that is none. Create it with
// [NewMemory].
type Memory struct {
	seed   maphash.Seed
	shards [memoryShards]memoryShard
}

type memoryShard struct {
	mu       sync.RWMutex
	channels map[string]*memoryChannel // none is empty
}

type memoryChannel struct {
	members map[string]Member // by client
	users   map[string]int    // how many clients each has, so that counting costs nothing
}

var _ Store = (*Memory)(nil)

// NewMemory is an empty store.
func NewMemory() *Memory {
	m := &Memory{seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].channels = map[string]*memoryChannel{}
	}
	return m
}

func (m *Memory) shard(channel string) *memoryShard {
	return &m.shards[maphash.String(m.seed, channel)%memoryShards]
}

// Join implements [Store].
func (m *Memory) Join(ctx context.Context, channel string, member Member) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s := m.shard(channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil {
		c = &memoryChannel{members: map[string]Member{}, users: map[string]int{}}
		s.channels[channel] = c
	}
	before, there := c.members[member.Client]
	if there {
		c.forget(before.User)
	}
	c.members[member.Client] = member.clone()
	c.users[member.User]++
	return !there, nil
}

// Leave implements [Store].
func (m *Memory) Leave(ctx context.Context, channel, client string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s := m.shard(channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil {
		return false, nil
	}
	before, there := c.members[client]
	if !there {
		return false, nil
	}
	c.forget(before.User)
	delete(c.members, client)
	if len(c.members) == 0 {
		delete(s.channels, channel)
	}
	return true, nil
}

func (c *memoryChannel) forget(user string) {
	if c.users[user]--; c.users[user] == 0 {
		delete(c.users, user)
	}
}

// Members implements [Store].
func (m *Memory) Members(ctx context.Context, channel string) (map[string]Member, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := m.shard(channel)
	s.mu.RLock()
	members := map[string]Member{}
	if c := s.channels[channel]; c != nil {
		members = maps.Clone(c.members)
	}
	s.mu.RUnlock()
	for client, member := range members { // what a stored member points to never changes
		members[client] = member.clone()
	}
	return members, nil
}

// Stats implements [Store].
func (m *Memory) Stats(ctx context.Context, channel string) (Stats, error) {
	if err := ctx.Err(); err != nil {
		return Stats{}, err
	}
	s := m.shard(channel)
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := s.channels[channel]
	if c == nil {
		return Stats{}, nil
	}
	return Stats{Clients: len(c.members), Users: len(c.users)}, nil
}

// Channels implements [Store]. It looks at one shard after the other, so it
// is not of one instant.
func (m *Memory) Channels(ctx context.Context, pattern string) (map[string]int, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("channels like %q: %w", pattern, err)
	}
	found := map[string]int{}
	for i := range m.shards {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := &m.shards[i]
		s.mu.RLock()
		for name, c := range s.channels {
			if ok, _ := path.Match(pattern, name); ok || pattern == "" {
				found[name] = len(c.members)
			}
		}
		s.mu.RUnlock()
	}
	return found, nil
}

func (m Member) clone() Member {
	m.ConnInfo = append([]byte(nil), m.ConnInfo...)
	m.ChanInfo = append([]byte(nil), m.ChanInfo...)
	return m
}
