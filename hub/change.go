package hub

import (
	"encoding/json"
	"maps"
	"slices"
)

// commit turns the writes into a commit: the event with the smallest changes,
// entries in order of their keys. Nothing written is a commit without event.
func (tx *Tx) commit() (*Commit, *Problem) {
	if tx.fault != nil {
		return nil, tx.fault
	}
	c := &Commit{Channel: tx.Command.On, Now: tx.Now, Expect: tx.expect, Epoch: tx.state.Position.Epoch}
	if tx.whole {
		c.Offset = &tx.state.Position.Offset
	}
	for _, key := range slices.Sorted(maps.Keys(tx.timers)) {
		c.Timers = append(c.Timers, tx.timers[key])
	}
	var changes []Change
	for _, key := range slices.Sorted(maps.Keys(tx.writes)) {
		change, changed := tx.change(key)
		if !changed {
			continue
		}
		changes = append(changes, change)
		if c.Entries == nil {
			c.Entries = map[string]json.RawMessage{}
		}
		c.Entries[key] = tx.writes[key]
	}
	if len(changes) == 0 && (tx.eventType == "" || tx.data == nil) {
		return c, nil
	}
	if tx.eventType == "" {
		return nil, Problemf(CodeInternal, "%s wrote without an event", tx.Command.Method)
	}
	c.Event = &Event{
		Type: tx.eventType, At: At(tx.Now), OccurredAt: tx.occurred, By: tx.actor(),
		Cause: tx.Command.ID, Changes: changes,
	}
	if tx.data != nil {
		data, err := json.Marshal(tx.data)
		if err != nil {
			return nil, Problemf(CodeInternal, "%s: event data: %v", tx.Command.Method, err)
		}
		c.Event.Data = data
	}
	return c, nil
}

// change compares what is written at key with what was there. Where an
// audience may see the entry now and could not before, it needs the whole document.
func (tx *Tx) change(key string) (Change, bool) {
	before, was := tx.state.Entries[key]
	after := tx.writes[key]
	c := Change{Key: key}
	switch {
	case !was && after == nil:
		return c, false
	case after == nil:
		c.Gone = true
		c.Labels = tx.sights.labels(tx.Command.On, key, before.Doc)
		return c, true
	case !was:
		c.Doc = after
		c.Labels = tx.sights.labels(tx.Command.On, key, after)
		return c, true
	}
	patch := Diff(before.Doc, after)
	if patch == nil {
		return c, false
	}
	c.Labels = tx.sights.labels(tx.Command.On, key, after)
	if old := tx.sights.labels(tx.Command.On, key, before.Doc); !slices.Equal(old, c.Labels) {
		c.Moved, c.Was, c.Doc = true, old, after
		return c, true
	}
	c.Patch = patch
	return c, true
}

// actor is who the event says acted.
func (tx *Tx) actor() Actor {
	if tx.unnamed {
		return Actor{Role: tx.Command.Caller.Role}
	}
	return tx.Command.Caller.Actor
}
