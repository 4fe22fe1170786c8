package hub

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// decision is one command on its way to an outcome: the model decides on what
// there is, again and again until it lacks nothing and the commit holds.
//
//	state ── model ─┬─ lacks another channel ──► reference ──┐
//	                ├─ asks somebody outside ──► ask ────────┤
//	                ├─ wants a prerequisite ───► do it ──────┴─► again
//	                └─ accepts or refuses ─────► commit ─┬─ conflict ──► again
//	                                                     └─ stored ────► outcome
//
// The channel's lock is held all along, but for asking.
type decision struct {
	hub    *Hub
	method Method
	cmd    Command
	hot    *hotChannel

	now      time.Time
	remember Remembered
	refs     map[Channel]State
	replies  map[question]reply
	done     map[string]bool // prerequisites that were accepted, by command id
	undo     []Command       // what takes them back
	fresh    bool            // the state is to be as new as can be
	lost     int             // races
}

// outcome is what a decision came to: an answer, or the name of the channel
// that the command is left to.
type outcome struct {
	answer Answer
	then   []Command
	into   Channel
}

// maxDecisions bounds how often one command is decided again because others
// were faster, or because it asked for more channels.
const maxDecisions = 64

func (h *Hub) decide(ctx context.Context, m Method, cmd Command, hot *hotChannel) outcome {
	d := &decision{
		hub: h, method: m, cmd: cmd, hot: hot, now: h.opts.Now(),
		refs: map[Channel]State{}, replies: map[question]reply{}, done: map[string]bool{},
		fresh: !h.opts.Shared, // else what is in memory will mostly do
	}
	ttl := RememberCommand
	if cmd.Caller.Role == RolePOS {
		ttl = RememberPOSCommand
	}
	d.remember = Remembered{ID: cmd.ID, Hash: cmd.hash(), Expires: d.now.Add(ttl)}
	for range maxDecisions {
		if o, ok := d.attempt(ctx); ok {
			return o
		}
	}
	h.log.Warn("a command was decided too often", "method", cmd.Method, "on", cmd.On)
	return outcome{answer: refuse(unavailable())}
}

// attempt decides once; false: it is to be decided again.
func (d *decision) attempt(ctx context.Context) (outcome, bool) {
	state, err := d.hub.state(ctx, d.hot, d.hub.opts.Shared && d.fresh)
	if err != nil {
		return d.failed(ctx, err)
	}
	if _, ok := readAlias(state); ok && !d.method.OnAlias {
		return d.elsewhere(ctx, d.cmd.On)
	}
	tx := d.tx(state)
	p := d.model(tx)
	switch {
	case len(tx.missing) > 0:
		for _, name := range tx.missing {
			if d.refs[name], err = d.hub.reference(ctx, name); err != nil {
				return d.failed(ctx, err)
			}
		}
		return outcome{}, false
	case len(tx.asks) > 0:
		return d.ask(ctx, tx.asks)
	case tx.fault != nil:
		p = tx.fault
	case p == nil && tx.into != "":
		return d.elsewhere(ctx, tx.into)
	case p == nil && len(tx.first) > 0:
		if p = d.prerequisites(ctx, tx.first); p == nil {
			clear(d.refs) // they have changed something
			return outcome{}, false
		}
		if p.Code == CodeUnavailable {
			return outcome{answer: refuse(p)}, true
		}
	}
	var c *Commit
	if p == nil {
		c, p = tx.commit()
	}
	if p != nil {
		return d.refuse(ctx, state, p)
	}
	c.Command = d.remember
	return d.commit(ctx, state, c, outcome{then: tx.then})
}

func (d *decision) tx(state State) *Tx {
	tx := newTx(d.cmd, d.now, state, d.refs, d.done, d.hub.sights)
	tx.hub, tx.replies = d.hub, d.replies
	if d.hub.opts.Shared { // that the channel has become an alias or was erased must not escape us
		tx.raw(AliasKey)
		tx.raw(ErasedKey)
	}
	return tx
}

// model asks the model, and what comes before it. A model that panics fails
// its command and nothing else.
func (d *decision) model(tx *Tx) (p *Problem) {
	defer func() {
		if r := recover(); r != nil {
			d.hub.log.Error("a model panicked", "method", d.method.Name, "on", d.cmd.On, "panic", r, "stack", string(debug.Stack()))
			p = Problemf(CodeInternal, "%s failed", d.method.Name)
		}
	}()
	if p := tx.erased(d.method); p != nil {
		return p
	}
	if p := tx.versions(); p != nil {
		return p
	}
	return d.method.decide(tx, d.cmd.Args)
}

// ask gets answers from outside, unless the command has its own already.
// Others decide meanwhile, within bounded time each.
func (d *decision) ask(ctx context.Context, asks []question) (outcome, bool) {
	if len(d.replies) == 0 {
		if a, known := d.recall(ctx); known {
			return outcome{answer: a}, true
		}
	}
	d.hot.unlock()
	d.hub.ask(ctx, d.cmd, asks, d.replies)
	d.hot.turn <- struct{}{}
	return outcome{}, false
}

// refuse answers a problem: a business refusal is remembered like a result,
// and whatever prerequisites were accepted before it are undone.
func (d *decision) refuse(ctx context.Context, state State, p *Problem) (outcome, bool) {
	if !d.fresh { // what others wrote meanwhile may change it
		d.fresh = true
		return outcome{}, false
	}
	if p.Remembered() || len(d.done) > 0 {
		raw, err := json.Marshal(p)
		if err != nil {
			return d.failed(ctx, err)
		}
		c := &Commit{Channel: d.cmd.On, Now: d.now, Command: d.remember}
		c.Command.Problem = raw
		return d.commit(ctx, state, c, outcome{answer: refuse(p)})
	}
	if a, known := d.recall(ctx); known { // what is no good now may be what this very command did before
		return outcome{answer: a}, true
	}
	if p.Code == CodeInternal {
		d.hub.log.Error("a command failed", "method", d.cmd.Method, "on", d.cmd.On, "err", p.Message)
	}
	return outcome{answer: refuse(p)}, true
}

// elsewhere leaves the command to another channel, unless it was answered here before.
func (d *decision) elsewhere(ctx context.Context, into Channel) (outcome, bool) {
	if a, known := d.recall(ctx); known {
		return outcome{answer: a}, true
	}
	d.hub.undo(ctx, d.cmd, d.undo) // what was promised to this channel is to be promised to that one
	return outcome{into: into}, true
}

// commit stores an outcome: it stands if what was decided on still does.
func (d *decision) commit(ctx context.Context, state State, c *Commit, o outcome) (outcome, bool) {
	res, err := d.hub.commit(ctx, d.hot, state, c)
	switch {
	case errors.Is(err, ErrConflict):
		if d.lost++; d.lost > 3 {
			time.Sleep(time.Duration(rand.Int64N(int64(time.Millisecond) << min(d.lost, 5))))
		}
		return outcome{}, false
	case err != nil || res.Replayed:
		return outcome{answer: d.settled(ctx, res, err)}, true
	}
	if o.answer.Problem != nil {
		d.hub.undo(ctx, d.cmd, d.undo)
	}
	o.answer.Position, o.answer.Event = res.Position, res.Event
	return o, true
}

// recall finds what the command was answered already, so that a retry asks
// nobody and changes nothing. It offers a commit that holds at no offset: a
// known id comes before versions are compared.
func (d *decision) recall(ctx context.Context) (Answer, bool) {
	nowhere := uint64(1) << 52
	res, err := d.hub.engine.Commit(ctx, &Commit{Channel: d.cmd.On, Now: d.now, Command: d.remember, Offset: &nowhere})
	if errors.Is(err, ErrConflict) {
		return Answer{}, false
	}
	return d.settled(ctx, res, err), true
}

// settled is the answer to a command whose id was known, or that the engine did not take.
func (d *decision) settled(ctx context.Context, res Result, err error) Answer {
	switch {
	case errors.Is(err, ErrCommandIDReused):
		return refuse(Problemf(CodeCommandIDReused, "the id %s was used for another command", d.cmd.ID))
	case err != nil:
		return d.hub.failed(ctx, d.cmd, err)
	}
	return replayed(res)
}

func (d *decision) failed(ctx context.Context, err error) (outcome, bool) {
	return outcome{answer: d.hub.failed(ctx, d.cmd, err)}, true
}
