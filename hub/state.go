package hub

import (
	"context"
	"maps"
)

// State is [Hub.Peek] for those who were told of an event: what they get is at
// least as new as since, if that is given and of the channel's epoch. Where
// the hub has the channel in memory as of then, nothing is asked of the engine.
func (h *Hub) State(ctx context.Context, name Channel, since Position) (State, error) {
	if since == (Position{}) {
		return h.peek(ctx, name)
	}
	hot := h.hot.take(name)
	defer h.hot.release(hot)
	mark, known := hot.since.Load(), hot.state.Load()
	if known != nil && known.Position.Epoch == since.Epoch && known.Position.Offset >= since.Offset {
		return *known, nil
	}
	snapshot, err := h.engine.Load(ctx, name)
	if err != nil {
		return State{}, err
	}
	loaded := &State{Position: snapshot.Position, Entries: snapshot.Entries}
	hot.keep(loaded, mark)
	return *loaded, nil
}

// reference is another channel's state, as fresh as can be; an alias whose
// entries have moved shows those of the channel it stands for. Derived channels
// are written past the hub, and of one that is being committed to others may
// have heard before us, so what is in memory of these is checked first.
func (h *Hub) reference(ctx context.Context, name Channel) (State, error) {
	state, err := h.peek(ctx, name)
	for range maxHops {
		alias, ok := readAlias(state)
		if err != nil || !ok || !alias.Moved {
			break
		}
		state, err = h.peek(ctx, alias.Into)
	}
	return state, err
}

// known is what reference would give, if it is in memory.
func (h *Hub) known(name Channel) (State, bool) {
	hot := h.hot.take(name)
	defer h.hot.release(hot)
	state := hot.state.Load()
	if state == nil || h.unsure(hot) {
		return State{}, false
	}
	if _, ok := readAlias(*state); ok {
		return State{}, false
	}
	return *state, true
}

// peek is a channel's state, be it an alias or not.
func (h *Hub) peek(ctx context.Context, name Channel) (State, error) {
	hot := h.hot.take(name)
	defer h.hot.release(hot)
	return h.state(ctx, hot, h.unsure(hot))
}

// unsure reports whether a channel may have moved on past what is in memory of it.
func (h *Hub) unsure(hot *hotChannel) bool {
	return h.opts.Shared || hot.name.Derived() || hot.moving.Load()
}

// state is what a channel holds: from memory, or, if it is not there or fresh
// is asked and it is behind, from the engine.
func (h *Hub) state(ctx context.Context, hot *hotChannel, fresh bool) (State, error) {
	since, known := hot.since.Load(), hot.state.Load()
	if known != nil && !fresh {
		return *known, nil
	}
	if known != nil {
		heads, err := h.engine.Heads(ctx, []Channel{hot.name})
		if err != nil {
			return State{}, err
		}
		if heads[0] == known.Position {
			return *known, nil
		}
	}
	snapshot, err := h.engine.Load(ctx, hot.name)
	if err != nil {
		return State{}, err
	}
	loaded := &State{Position: snapshot.Position, Entries: maps.Clone(snapshot.Entries)}
	hot.keep(loaded, since)
	return *loaded, nil
}
