package hub

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
)

// hotChannels keeps the channels that were decided on lately, so that a
// command costs one step of the engine. What is kept may be behind if others
// write to the store; the commit's compare-and-set finds out.
type hotChannels struct {
	mu   sync.Mutex // guards the following fields
	size int
	all  map[Channel]*list.Element // of *hotChannel
	used *list.List                // latest first
}

type hotChannel struct {
	name   Channel
	turn   chan struct{}         // holds one token: who has it decides
	state  atomic.Pointer[State] // nil: not known
	moving atomic.Bool           // a commit is under way: the state may be behind what followers know
	since  atomic.Uint64         // rises when the state is forgotten: what was loaded before is not kept

	users int // guarded by hotChannels.mu: never evicted while in use
}

func (hs *hotChannels) init(size int) {
	hs.size, hs.all, hs.used = size, map[Channel]*list.Element{}, list.New()
}

func (hs *hotChannels) take(name Channel) *hotChannel {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if e, ok := hs.all[name]; ok {
		hs.used.MoveToFront(e)
		h := e.Value.(*hotChannel)
		h.users++
		return h
	}
	h := &hotChannel{name: name, turn: make(chan struct{}, 1), users: 1}
	hs.all[name] = hs.used.PushFront(h)
	for e := hs.used.Back(); e != nil && hs.used.Len() > hs.size; {
		old, previous := e.Value.(*hotChannel), e.Prev()
		if old.users == 0 {
			hs.used.Remove(e)
			delete(hs.all, old.name)
		}
		e = previous
	}
	return h
}

func (hs *hotChannels) release(h *hotChannel) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h.users--
}

func (h *hotChannel) lock(ctx context.Context) bool {
	select {
	case h.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (h *hotChannel) unlock() { <-h.turn }

func (h *hotChannel) forget() {
	h.since.Add(1)
	h.state.Store(nil)
}

// keep notes a state that was loaded after since was read, unless a newer one
// is known: references are loaded without the lock, beside those who decide.
func (h *hotChannel) keep(s *State, since uint64) {
	for h.since.Load() == since {
		known := h.state.Load()
		if known != nil && known.Position.Epoch == s.Position.Epoch && known.Position.Offset >= s.Position.Offset {
			return
		}
		if h.state.CompareAndSwap(known, s) {
			return
		}
	}
}

// apply moves the state over a commit that was made on it.
func (h *hotChannel) apply(s State, c *Commit, res Result) {
	if c.Event == nil {
		return
	}
	if res.Position.Epoch != s.Position.Epoch || res.Position.Offset != s.Position.Offset+1 {
		h.forget() // others wrote in between
		return
	}
	next := s.after(c, res.Position)
	h.state.Store(&next)
}
