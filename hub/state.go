package hub

import "context"

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
