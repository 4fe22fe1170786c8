package hub

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"time"
)

// Query is what a question works with: it reads channels, and may run commands
// of the hub's own, each of which is an atomic step of one channel. So a query
// is for what spans channels: it holds nothing between its steps, and every
// sequence of steps must be one that a crash may cut.
type Query struct {
	Now     time.Time
	Command Command // On is "" unless the caller gave one

	hub *Hub
}

// NewQuery makes a row that is not decided on one channel's entries. kind is ""
// where it addresses no channel, else [Command.On] must be of that kind. What
// it returns as [Answer.Result] goes to the caller as it is.
func NewQuery[A any](name, kind string, mode Mode, roles []Role, ask func(ctx context.Context, q *Query, args A) (Answer, *Problem)) Method {
	return Method{
		Name: name, Kind: kind, Roles: roles, Mode: mode, Args: reflect.TypeFor[A](),
		query: func(ctx context.Context, q *Query, raw json.RawMessage) (Answer, *Problem) {
			args, p := DecodeArgs[A](raw)
			if p != nil {
				return Answer{}, p
			}
			return ask(ctx, q, args)
		},
	}
}

// Queries reports whether the method is a query.
func (m Method) Queries() bool { return m.query != nil }

func (h *Hub) query(ctx context.Context, m Method, cmd Command, internal bool) Answer {
	if m.Kind != "" {
		if p := checkCommand(m, cmd, internal); p != nil {
			return refuse(p)
		}
	} else if f := (Faults{}); cmd.On != "" || len(cmd.ID) > MaxCommandIDLength {
		if cmd.On != "" {
			f.Add("/on", "%s addresses no channel", m.Name)
		}
		if len(cmd.ID) > MaxCommandIDLength {
			f.Add("/id", "longer than %d bytes", MaxCommandIDLength)
		}
		return refuse(f.Problem())
	}
	if deep(cmd.Args, MaxDepth) {
		return refuse(Faults{"/args": fmt.Sprintf("nested deeper than %d", MaxDepth)}.Problem())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*h.opts.CommitTimeout)
	defer cancel()
	a, p := m.query(ctx, &Query{Now: h.opts.Now(), Command: cmd, hub: h}, cmd.Args)
	if p != nil {
		if p.Code == CodeInternal {
			h.log.Error("a query failed", "method", cmd.Method, "err", p.Message)
		}
		return refuse(p)
	}
	return a
}

// RequireID refuses a query without an id: it changes something, and a retry
// must be known as one.
func (q *Query) RequireID() *Problem {
	if q.Command.ID != "" {
		return nil
	}
	return Faults{"/id": "required: made by the caller before the first send"}.Problem()
}

// Load is a channel's state, unfiltered and as fresh as can be. An alias is
// loaded as what it is.
func (q *Query) Load(ctx context.Context, name Channel) (State, *Problem) {
	s, err := q.hub.peek(ctx, name)
	if err != nil {
		return s, unavailable()
	}
	return s, nil
}

// Resolve is the channel that a name stands for.
func (q *Query) Resolve(ctx context.Context, name Channel) (Channel, *Problem) {
	into, err := q.hub.Resolve(ctx, name)
	if err != nil {
		return into, unavailable()
	}
	return into, nil
}

// Do runs a step, on behalf of the caller. Its id is made of the query's, so
// that a retry of the query repeats nothing.
func (q *Query) Do(ctx context.Context, step Command) Answer {
	step.ID = q.Command.ID + "/step/" + step.Method + "/" + string(step.On)
	step.Caller = q.Command.Caller
	return q.hub.do(ctx, step, true)
}

// Entry is an entry as the caller may see it.
func (q *Query) Entry(name Channel, key string, e Entry) (Entry, bool) {
	return q.hub.sights.Entry(q.Command.Caller.Audience(), name, key, e)
}

// pastPage is how much of a log is read at a time.
const pastPage = 100

// Past yields a channel's events as the caller may see them, the newest first,
// as far back as its log reaches. Changes carry their versions.
func (q *Query) Past(ctx context.Context, name Channel) iter.Seq2[*Event, *Problem] {
	return func(yield func(*Event, *Problem) bool) {
		var since *Position
		for {
			h, err := q.hub.History(ctx, name, HistoryQuery{Since: since, Limit: pastPage, Reverse: true})
			if errors.Is(err, ErrEpoch) {
				return // what was before is forgotten
			}
			if err != nil {
				yield(nil, unavailable())
				return
			}
			for _, m := range h.Messages {
				if e := q.hub.sights.Event(q.Command.Caller.Audience(), name, m.Event); e != nil && !yield(e, nil) {
					return
				}
				since = &m.Position
			}
			if len(h.Messages) < pastPage {
				return
			}
		}
	}
}

// NewID makes an id for something the caller did not name, the same in every retry.
func (q *Query) NewID(what string) string {
	c := q.Command
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s", c.Caller.Role, c.Caller.ID, c.ID, what))
	return uuid(sum)
}

// uuid is a UUID (RFC 9562, version 8) out of a hash.
func uuid(sum [32]byte) string {
	b := sum[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
