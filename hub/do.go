package hub

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

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

	// What is under way is finished even if the caller hangs up: its outcome is then known.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.opts.CommitTimeout)
	defer cancel()
	o := h.turn(ctx, m, cmd)
	if o.into != "" {
		return h.elsewhere(ctx, cmd, o.into)
	}
	for _, next := range o.then {
		next.Caller = Caller{Actor: cmd.Caller.elsewhere()}
		if a := h.do(ctx, next, true); a.Problem != nil {
			h.log.Warn("a command that follows another was refused", "method", next.Method, "on", next.On, "code", a.Problem.Code)
		}
	}
	return o.answer
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
func (h *Hub) turn(ctx context.Context, m Method, cmd Command) outcome {
	hot := h.hot.take(cmd.On)
	defer h.hot.release(hot)
	if !hot.lock(ctx) {
		return outcome{answer: refuse(unavailable())}
	}
	defer hot.unlock()
	return h.decide(ctx, m, cmd, hot)
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
