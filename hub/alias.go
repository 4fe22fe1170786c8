package hub

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Two entries mean something to the hub itself, whatever the kind of channel.
const (
	// AliasKey is an entry that makes its channel another name of a second one: two customers
	// were one. Commands on the alias run on the channel it stands for, and references show that
	// one's entries. Its document is an [Alias].
	AliasKey = "alias"
	// ErasedKey is an entry that ends a channel: commands answer gone, except those that outlive it.
	ErasedKey = "erased"
)

// Alias is the document of [AliasKey]. Until Moved is set its entries are on
// their way, and commands wait for them.
type Alias struct {
	Into  Channel `json:"into"`
	Moved bool    `json:"moved,omitempty"`
}

// maxHops bounds how long a chain of aliases may be: more is a circle.
const maxHops = 16

func readAlias(s State) (Alias, bool) {
	e, ok := s.Entries[AliasKey]
	if !ok {
		return Alias{}, false
	}
	var a Alias
	if json.Unmarshal(e.Doc, &a) != nil || a.Into == "" {
		return Alias{}, false
	}
	return a, true
}

// Peek is a channel's state as it is decided on: unfiltered, as fresh as can
// be, and an alias as what it is. It reads the store only where the channel was
// not in use lately.
func (h *Hub) Peek(ctx context.Context, name Channel) (State, error) { return h.peek(ctx, name) }

// Now is the hub's clock.
func (h *Hub) Now() time.Time { return h.opts.Now() }

// Moved is where a channel's entries are now, if it is an alias and they have moved.
func (s State) Moved() (Channel, bool) {
	a, ok := readAlias(s)
	return a.Into, ok && a.Moved
}

// Resolve is the channel that a name stands for: itself, unless it is an
// alias. It may read the store.
func (h *Hub) Resolve(ctx context.Context, name Channel) (Channel, error) {
	if name.Kind() != KindContext {
		return name, nil
	}
	for range maxHops {
		state, err := h.fresh(ctx, name)
		if err != nil {
			return name, err
		}
		alias, ok := readAlias(state)
		if !ok {
			return name, nil
		}
		name = alias.Into
	}
	return name, errors.New("hub: aliases go in a circle")
}

// fresh is a channel's state, also where somebody's commit is just being noted.
func (h *Hub) fresh(ctx context.Context, name Channel) (State, error) {
	hot := h.hot.take(name)
	defer h.hot.release(hot)
	return h.state(ctx, hot, true)
}

// aliasWait is how often a command looks whether the entries it needs have moved.
const aliasWait = 5 * time.Millisecond

// elsewhere runs a command on another channel; where its own is an alias, on
// the one that it stands for, once the entries are there.
func (h *Hub) elsewhere(ctx context.Context, cmd Command, into Channel) Answer {
	hops, _ := ctx.Value(hopsKey{}).(int)
	if hops == maxHops {
		return refuse(unavailable())
	}
	for {
		state, err := h.peek(ctx, cmd.On)
		if err != nil {
			return h.failed(ctx, cmd, err)
		}
		alias, ok := readAlias(state)
		if !ok { // it never was one, or that was called off
			break
		}
		if alias.Moved {
			into = alias.Into
			break
		}
		select {
		case <-time.After(aliasWait):
		case <-ctx.Done():
			return refuse(unavailable())
		}
	}
	cmd.On = into
	a := h.do(context.WithValue(ctx, hopsKey{}, hops+1), cmd, true)
	if a.On == "" {
		a.On = into
	}
	return a
}

type hopsKey struct{}

// erased refuses what does not outlive its channel.
func (tx *Tx) erased(m Method) *Problem {
	if m.Outlives {
		return nil
	}
	if _, ok := tx.state.Entries[ErasedKey]; !ok {
		return nil
	}
	tx.raw(ErasedKey)
	return Problemf(CodeGone, "the customer was erased")
}
