package hub

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"time"
)

// Decision is the outcome of [Decide] for tests of models.
type Decision struct {
	Commit  *Commit   // nil if refused, or left to another channel
	Problem *Problem  // nil if accepted
	State   State     // the channel after it, at the next offset if an event was made
	First   []Command // what must be accepted on other channels first, each followed by its undo
	Then    []Command // what is to run on other channels afterwards
	Into    Channel   // the channel that it is left to, if any
}

// Decide runs one method on states that are given whole: the pure heart of
// [Hub.Do], for tests and fuzzing of models. refs are the other channels a
// method may look at; prerequisites (see [Tx.First]) count as accepted and
// are listed. Nobody answers questions (see [Tx.Ask]).
func Decide(methods Methods, sights *Sights, cmd Command, now time.Time, state State, refs map[Channel]State) Decision {
	return DecideAsking(methods, sights, cmd, now, state, refs, nil)
}

// DecideAsking is [Decide] with somebody who answers: as [Options.Ask].
func DecideAsking(
	methods Methods, sights *Sights, cmd Command, now time.Time, state State, refs map[Channel]State,
	ask func(ctx context.Context, topic string, question json.RawMessage) (json.RawMessage, error),
) Decision {
	m, ok := methods[cmd.Method]
	if !ok {
		return Decision{Problem: Problemf(CodeUnknownMethod, "no command is called %s", cmd.Method), State: state}
	}
	if m.query != nil {
		return Decision{Problem: Problemf(CodeUnknownMethod, "%s is a query: it is decided on no channel", cmd.Method), State: state}
	}
	if !m.Allows(cmd.Caller.Role) {
		return Decision{Problem: Problemf(CodeForbidden, "%s is not for %s", cmd.Method, cmd.Caller.Role), State: state}
	}
	known := map[Channel]State{}
	maps.Copy(known, refs)
	oracle, replies := &Hub{opts: Options{Ask: ask}, log: slog.New(slog.DiscardHandler)}, map[question]reply{}
	for {
		tx := newTx(cmd, now, state, known, map[string]bool{}, sights)
		tx.replies = replies
		p := tx.erased(m)
		if p == nil {
			p = tx.versions()
		}
		if p == nil {
			p = m.decide(tx, cmd.Args)
		}
		if len(tx.missing) > 0 {
			for _, name := range tx.missing {
				known[name] = State{}
			}
			continue
		}
		if len(tx.asks) > 0 {
			oracle.ask(context.Background(), cmd, tx.asks, replies)
			continue
		}
		if p == nil {
			p = tx.fault
		}
		if p != nil {
			return Decision{Problem: p, State: state, First: tx.first}
		}
		if tx.into != "" {
			return Decision{State: state, Into: tx.into}
		}
		c, p := tx.commit()
		if p != nil {
			return Decision{Problem: p, State: state, First: tx.first}
		}
		d := Decision{Commit: c, State: state, First: tx.first, Then: tx.then}
		if c.Event != nil {
			d.State = state.after(c, Position{Epoch: state.Position.Epoch, Offset: state.Position.Offset + 1})
		}
		return d
	}
}

// versions refuses a command that was decided on other versions than those that
// stand. An entry that the caller may not see is, to them, not there.
func (tx *Tx) versions() *Problem {
	behind := false
	versions, entries := map[string]uint64{}, map[string]Entry{}
	for key, v := range tx.Command.IfVersion {
		e, ok := tx.state.Entries[key]
		tx.expect[key] = e.Version
		versions[key] = 0
		if ok {
			if seen, visible := tx.sights.Entry(tx.Command.Caller.Audience(), tx.Command.On, key, e); visible {
				versions[key], entries[key] = e.Version, seen
			}
		}
		behind = behind || versions[key] != v
	}
	if !behind {
		return nil
	}
	return Problemf(CodeConflict, "this was decided on an older version").
		With(map[string]any{"versions": versions, "entries": entries})
}

// after is the state a commit leaves, its event being at pos.
func (s State) after(c *Commit, pos Position) State {
	entries := make(map[string]Entry, len(s.Entries)+1)
	maps.Copy(entries, s.Entries)
	for key, doc := range c.Entries {
		if doc == nil {
			delete(entries, key)
		} else {
			entries[key] = Entry{Version: pos.Offset, Doc: doc}
		}
	}
	return State{Position: pos, Entries: entries}
}
