package hub

import (
	"context"
	"strconv"
)

// prerequisites runs what must be accepted elsewhere before this command. If
// one is refused, those accepted before it are undone and its problem returned.
func (d *decision) prerequisites(ctx context.Context, first []Command) *Problem {
	by := Caller{Actor: d.cmd.Caller.elsewhere()}
	for i := 0; i < len(first); i += 2 {
		c, back := first[i], first[i+1]
		c.Caller, back.Caller = by, by
		if c.On == d.cmd.On {
			return Problemf(CodeInternal, "%s cannot wait for its own channel", d.cmd.Method)
		}
		id, undoID := c.ID, back.ID
		a := d.hub.do(ctx, c, true)
		for n := 2; n <= maxHops && a.Problem != nil && a.Problem.Code == CodeCommandIDReused; n++ {
			if known, ok := d.recall(ctx); ok && known.Problem != nil { // the whole command's id was
				return known.Problem
			}
			// It was promised to a channel that has become an alias of this one, and is asked for anew.
			c.ID, back.ID = id+"/"+strconv.Itoa(n), undoID+"/"+strconv.Itoa(n)
			a = d.hub.do(ctx, c, true)
		}
		if a.Problem != nil {
			if a.Problem.Code != CodeUnavailable {
				d.hub.undo(ctx, d.cmd, d.undo)
				d.undo = nil
			}
			return a.Problem
		}
		d.done[id] = true
		d.undo = append(d.undo, back)
	}
	return nil
}

func (h *Hub) undo(ctx context.Context, cmd Command, undo []Command) {
	for _, c := range undo {
		if a := h.do(ctx, c, true); a.Problem != nil {
			h.log.Warn("a prerequisite could not be undone; its timer will", "method", c.Method, "on", c.On, "for", cmd.Method, "code", a.Problem.Code)
		}
	}
}
