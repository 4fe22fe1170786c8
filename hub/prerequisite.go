package hub

import "context"

// prerequisites runs what must be accepted elsewhere before this command. If
// one is refused, those accepted before it are undone and its problem returned.
func (h *Hub) prerequisites(ctx context.Context, cmd Command, first []Command, done map[string]bool, undo *[]Command) *Problem {
	for i := 0; i < len(first); i += 2 {
		c, back := first[i], first[i+1]
		c.Caller, back.Caller = Caller{Actor: cmd.Caller.elsewhere()}, Caller{Actor: cmd.Caller.elsewhere()}
		if c.On == cmd.On {
			return Problemf(CodeInternal, "%s cannot wait for its own channel", cmd.Method)
		}
		if a := h.do(ctx, c, true); a.Problem != nil {
			if a.Problem.Code != CodeUnavailable {
				h.undo(ctx, cmd, *undo)
				*undo = nil
			}
			return a.Problem
		}
		done[c.ID] = true
		*undo = append(*undo, back)
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
