package hub

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// maxDecisions bounds how often one command is decided again because others
// were faster, or because it asked for more channels.
const maxDecisions = 64

// Do runs a command: decides, commits, answers. Refusals, bad commands and a
// store that is away are answers too (see [Answer]); it may block for the
// commit, at most for Options.CommitTimeout a step.
//
// That the caller may address the channel is the door's business; that its
// role may call the method, and everything the model says, is checked here.
func (h *Hub) Do(ctx context.Context, cmd Command) Answer {
	start := time.Now()
	a := h.do(ctx, cmd, false)
	if h.opts.OnCommand != nil {
		method, code := cmd.Method, ""
		if _, ok := h.methods[method]; !ok {
			method = ""
		}
		if a.Problem != nil {
			code = a.Problem.Code
		}
		h.opts.OnCommand(method, code, time.Since(start))
	}
	return a
}

func (h *Hub) do(ctx context.Context, cmd Command, internal bool) Answer {
	m, ok := h.methods[cmd.Method]
	if !ok {
		return refuse(Problemf(CodeUnknownMethod, "no command is called %q", cmd.Method))
	}
	if !internal && !m.Allows(cmd.Caller.Role) {
		return refuse(Problemf(CodeForbidden, "%s is not for the role %s", cmd.Method, cmd.Caller.Role))
	}
	if m.query != nil {
		return h.query(ctx, m, cmd, internal)
	}
	if cmd.On == "" && m.find != nil && cmd.ID != "" {
		return h.findAndDo(ctx, m, cmd, internal)
	}
	if p := checkCommand(m, cmd, internal); p != nil {
		return refuse(p)
	}
	if len(cmd.Args) > 0 && !json.Valid(cmd.Args) {
		return refuse(Problemf(CodeBadRequest, "the arguments are no JSON"))
	}
	if deep(cmd.Args, MaxDepth) {
		return refuse(Faults{"/args": "nested deeper than " + strconv.Itoa(MaxDepth)}.Problem())
	}
	remember := Remembered{ID: cmd.ID, Hash: cmd.hash()}

	// What is under way is finished even if the caller hangs up: its outcome is then known.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.opts.CommitTimeout)
	defer cancel()
	answer, then, into := h.turn(ctx, m, cmd, remember)
	if into != "" {
		return h.elsewhere(ctx, cmd)
	}
	for _, next := range then {
		next.Caller = Caller{Actor: cmd.Caller.elsewhere()}
		if a := h.do(ctx, next, true); a.Problem != nil {
			h.log.Warn("a command that follows another was refused", "method", next.Method, "on", next.On, "code", a.Problem.Code)
		}
	}
	return answer
}

// findAndDo runs a command that names no channel on the one that its method finds.
func (h *Hub) findAndDo(ctx context.Context, m Method, cmd Command, internal bool) Answer {
	on, p := m.find(ctx, &Query{Now: h.opts.Now(), Command: cmd, hub: h}, cmd.Args)
	if p != nil {
		return refuse(p)
	}
	cmd.On = on
	a := h.do(ctx, cmd, internal)
	if a.On == "" {
		a.On = on
	}
	return a
}

// turn decides a command when its channel's turn is its own.
func (h *Hub) turn(ctx context.Context, m Method, cmd Command, remember Remembered) (Answer, []Command, Channel) {
	hot := h.hot.take(cmd.On)
	defer h.hot.release(hot)
	if !hot.lock(ctx) {
		return refuse(unavailable()), nil, ""
	}
	defer hot.unlock()
	return h.decide(ctx, m, cmd, remember, hot)
}

// checkCommand refuses what cannot be a command of this method, whatever the state.
func checkCommand(m Method, cmd Command, internal bool) *Problem {
	f := Faults{}
	if cmd.ID == "" {
		f.Add("/id", "required: made by the caller before the first send")
	} else if len(cmd.ID) > MaxCommandIDLength && !internal && cmd.Caller.Role != RoleSystem {
		f.Add("/id", "longer than %d bytes", MaxCommandIDLength)
	}
	if err := cmd.On.Valid(); err != nil {
		f.Add("/on", "%v", err)
	} else if !m.Addresses(cmd.On.Kind()) {
		f.Add("/on", "%s is a command on a %s channel", m.Name, strings.Join(append([]string{m.Kind}, m.Kinds...), " or "))
	}
	if p := f.Problem(); p != nil {
		p.Message = "the command is not valid"
		return p
	}
	return nil
}

// decide runs the model until its outcome is committed. The caller holds the
// channel's lock. It returns another channel's name if the command is to run there.
func (h *Hub) decide(ctx context.Context, m Method, cmd Command, remember Remembered, hot *hotChannel) (Answer, []Command, Channel) {
	now := h.opts.Now()
	ttl := RememberCommand
	if cmd.Caller.Role == RolePOS {
		ttl = RememberPOSCommand
	}
	remember.Expires = now.Add(ttl)
	refs, done, undo := map[Channel]State{}, map[string]bool{}, []Command(nil)
	replies := map[question]reply{}

	fresh := !h.opts.Shared // what is in memory is as new as can be
	for attempt := range maxDecisions {
		state, err := h.state(ctx, hot, h.opts.Shared && fresh)
		if err != nil {
			return h.failed(ctx, cmd, err), nil, ""
		}
		if into, ok := aliasOf(state); ok && !m.OnAlias {
			a, known := h.answered(ctx, cmd, now, remember)
			if known {
				return a, nil, ""
			}
			return Answer{}, nil, into
		}
		tx := newTx(cmd, now, state, refs, done, h.sights)
		tx.hub, tx.replies = h, replies
		if h.opts.Shared { // that the channel has become an alias or was erased must not escape us
			tx.raw(AliasKey)
			tx.raw(ErasedKey)
		}
		p := tx.erased(m)
		if p == nil {
			p = tx.versions()
		}
		if p == nil {
			p = h.run(m, tx)
		}
		if len(tx.missing) > 0 {
			for _, name := range tx.missing {
				if refs[name], err = h.reference(ctx, name); err != nil {
					return h.failed(ctx, cmd, err), nil, ""
				}
			}
			continue
		}
		if len(tx.asks) > 0 {
			if len(replies) == 0 {
				if answer, known := h.recall(ctx, cmd, remember, now); known {
					return answer, nil, ""
				}
			}
			hot.unlock()
			h.ask(ctx, cmd, tx.asks, replies)
			hot.turn <- struct{}{} // others decide within bounded time
			continue
		}
		if tx.fault != nil {
			p = tx.fault
		}
		if p == nil && len(tx.first) > 0 {
			if p = h.prerequisites(ctx, cmd, tx.first, done, &undo); p == nil {
				refs = map[Channel]State{}
				continue
			}
			if p.Code == CodeUnavailable {
				return refuse(p), nil, ""
			}
		}
		var c *Commit
		if p == nil {
			c, p = tx.commit()
		}
		if p != nil && !fresh { // what others wrote meanwhile may change that; if it is accepted, the commit finds out
			fresh = true
			continue
		}
		if p != nil {
			if !p.Remembered() && len(done) == 0 {
				// What would be no good now may be what this very command did before.
				if answer, known := h.recall(ctx, cmd, remember, now); known {
					return answer, nil, ""
				}
				if p.Code == CodeInternal {
					h.log.Error("a command failed", "method", cmd.Method, "on", cmd.On, "err", p.Message)
				}
				return refuse(p), nil, ""
			}
			c = &Commit{Channel: cmd.On, Now: now}
			if remember.Problem, err = json.Marshal(p); err != nil {
				return h.failed(ctx, cmd, err), nil, ""
			}
		} else {
			remember.Problem = nil
		}
		c.Command = remember
		res, err := h.commit(ctx, hot, state, c)
		switch {
		case errors.Is(err, ErrConflict):
			if attempt > 2 {
				time.Sleep(time.Duration(rand.Int64N(int64(time.Millisecond) << min(attempt, 5))))
			}
			continue
		case errors.Is(err, ErrCommandIDReused):
			return refuse(Problemf(CodeCommandIDReused, "the id %s was used for another command", cmd.ID)), nil, ""
		case err != nil:
			return h.failed(ctx, cmd, err), nil, ""
		}
		if res.Replayed {
			return replayed(res), nil, ""
		}
		if p != nil {
			h.undo(ctx, cmd, undo)
			return Answer{Position: res.Position, Problem: p}, nil, ""
		}
		return Answer{Position: res.Position, Event: res.Event}, tx.then, ""
	}
	h.log.Warn("a command was decided too often", "method", cmd.Method, "on", cmd.On)
	return refuse(unavailable()), nil, ""
}

// commit stores what was decided on a state, and moves what is in memory along.
func (h *Hub) commit(ctx context.Context, hot *hotChannel, state State, c *Commit) (Result, error) {
	hot.moving.Store(true)
	defer hot.moving.Store(false)
	res, err := h.engine.Commit(ctx, c)
	switch {
	case err != nil && !errors.Is(err, ErrCommandIDReused):
		hot.forget() // behind, or the outcome is unknown
	case err == nil && !res.Replayed:
		hot.apply(state, c, res)
	}
	return res, err
}

// run asks the model. A model that panics fails its command and nothing else.
func (h *Hub) run(m Method, tx *Tx) (p *Problem) {
	defer func() {
		if r := recover(); r != nil {
			h.log.Error("a model panicked", "method", m.Name, "on", tx.Command.On, "panic", r, "stack", string(debug.Stack()))
			p = Problemf(CodeInternal, "%s failed", m.Name)
		}
	}()
	return m.decide(tx, tx.Command.Args)
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
