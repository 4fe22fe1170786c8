package hub

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// MaxDocument is the largest document of an entry, in bytes of JSON.
const MaxDocument = 64 << 10

// Tx is what one decision reads and writes: the entries of the command's
// channel, and, read only, those of others. It notes the versions it read, so
// that the commit holds only if they still stand. It is not for concurrent
// use and not for keeping.
type Tx struct {
	// Now is the hub's clock, the same for all that one decision does.
	Now time.Time
	// Command is what is to be decided; its Args reach the model decoded.
	Command Command

	hub    *Hub // nil where references are given
	state  State
	refs   map[Channel]State
	done   map[string]bool // prerequisites that are committed, by command id
	sights *Sights

	expect    map[string]uint64
	whole     bool // the decision depends on which entries exist
	writes    map[string]json.RawMessage
	timers    map[string]TimerChange
	eventType string
	data      any
	occurred  *Time
	unnamed   bool
	into      Channel
	first     []Command
	then      []Command
	missing   []Channel
	replies   map[question]reply
	asks      []question
	fault     *Problem
	ids       map[string]int
}

// State is what a channel holds at a position. It is not to be changed.
type State struct {
	Position Position
	Entries  map[string]Entry
}

// Get decodes an entry into doc and reports whether there is one.
func (tx *Tx) Get(key string, doc any) bool {
	raw, ok := tx.raw(key)
	if !ok {
		return false
	}
	if err := json.Unmarshal(raw, doc); err != nil {
		tx.fail(Problemf(CodeInternal, "entry %s of %s is corrupt: %v", key, tx.Command.On, err))
		return false
	}
	return true
}

// Has reports whether there is an entry.
func (tx *Tx) Has(key string) bool {
	_, ok := tx.raw(key)
	return ok
}

func (tx *Tx) raw(key string) (json.RawMessage, bool) {
	if doc, ok := tx.writes[key]; ok {
		return doc, doc != nil
	}
	e, ok := tx.state.Entries[key]
	tx.expect[key] = e.Version
	return e.Doc, ok
}

// Keys yields the keys that start with prefix, in order, as they will stand
// after the writes so far. The commit then holds only if nothing at all
// happened to the channel meanwhile.
func (tx *Tx) Keys(prefix string) iter.Seq[string] {
	tx.whole = true
	var keys []string
	for k := range tx.state.Entries {
		if strings.HasPrefix(k, prefix) {
			if doc, ok := tx.writes[k]; !ok || doc != nil {
				keys = append(keys, k)
			}
		}
	}
	for k, doc := range tx.writes {
		if _, ok := tx.state.Entries[k]; !ok && doc != nil && strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return slices.Values(keys)
}

// Put writes an entry. doc marshals to a JSON object without nulls.
func (tx *Tx) Put(key string, doc any) {
	raw, err := json.Marshal(doc)
	if err != nil || !isObject(raw) {
		tx.fail(Problemf(CodeInternal, "entry %s cannot be encoded: %v", key, err))
		return
	}
	if len(raw) > MaxDocument {
		tx.fail(Problemf(CodeTooLarge, "%s would have %d bytes, more than %d", key, len(raw), MaxDocument).
			With(map[string]any{"key": key, "limit": MaxDocument}))
		return
	}
	tx.raw(key) // its version is what the change is made against
	tx.writes[key] = raw
}

// Delete removes an entry; one that is not there is no change.
func (tx *Tx) Delete(key string) {
	if _, ok := tx.raw(key); ok {
		tx.writes[key] = nil
	}
}

// Emit names the event that the writes make up, in the past tense, and what
// else it tells (nil for nothing; else it marshals to an object). The last
// call counts. Writing without Emit is a programmer's mistake.
func (tx *Tx) Emit(eventType string, data any) { tx.eventType, tx.data = eventType, data }

// Unnamed makes the event tell of who acts the role alone.
func (tx *Tx) Unnamed() { tx.unnamed = true }

// Occurred notes when a device that was offline did what the event tells.
func (tx *Tx) Occurred(at time.Time) { t := At(at); tx.occurred = &t }

// ref is another channel's state, or a note that it is missing. What memory
// has is had at once, so that the model need not run again for it.
func (tx *Tx) ref(name Channel) (State, bool) {
	state, ok := tx.refs[name]
	if !ok && tx.hub != nil {
		if state, ok = tx.hub.known(name); ok {
			tx.refs[name] = state
		}
	}
	if !ok && !slices.Contains(tx.missing, name) {
		tx.missing = append(tx.missing, name)
	}
	return state, ok
}

// Ref decodes an entry of another channel into doc and reports whether there
// is one. It is as fresh as this decision, but not guarded by the commit.
func (tx *Tx) Ref(name Channel, key string, doc any) bool {
	state, ok := tx.ref(name)
	if !ok {
		return false
	}
	e, ok := state.Entries[key]
	if !ok {
		return false
	}
	if err := json.Unmarshal(e.Doc, doc); err != nil {
		tx.fail(Problemf(CodeInternal, "entry %s of %s is corrupt: %v", key, name, err))
		return false
	}
	return true
}

// RefKeys are the keys of another channel that start with prefix, in order. As
// with [Tx.Ref] they are fresh, and not guarded by the commit.
func (tx *Tx) RefKeys(name Channel, prefix string) []string {
	state, ok := tx.ref(name)
	if !ok {
		return nil
	}
	var keys []string
	for key := range state.Entries {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// First asks that a command on another channel is accepted before this one is
// committed: a reservation. If it is refused, its problem is this command's
// answer; if this command is refused after it, or turns out to be another
// channel's, undo runs. It gets an id made of this command's, so a retry runs
// it once.
func (tx *Tx) First(c, undo Command) {
	c.ID, undo.ID = tx.Command.ID+"/first/"+c.Method+"/"+string(c.On), tx.Command.ID+"/undo/"+undo.Method+"/"+string(undo.On)
	if !tx.done[c.ID] {
		tx.first = append(tx.first, c, undo)
	}
}

// Then asks that a command on another channel runs once this one is
// committed. It is tried at once; what must happen even if the node dies
// meanwhile needs a timer or a flow besides.
func (tx *Tx) Then(c Command) {
	c.ID = tx.Command.ID + "/then/" + c.Method + "/" + string(c.On)
	tx.then = append(tx.then, c)
}

// Elsewhere leaves the command to another channel of its kind: it is decided
// there, under the same id, and the answer says where. Nothing of this decision counts.
func (tx *Tx) Elsewhere(name Channel) { tx.into = name }

// SetTimer runs a command on this channel at due, in place of an earlier timer of that key.
func (tx *Tx) SetTimer(key string, due time.Time, method string, args any) {
	raw, err := json.Marshal(args)
	if err != nil {
		tx.fail(Problemf(CodeInternal, "timer %s cannot be encoded: %v", key, err))
		return
	}
	tx.timers[key] = TimerChange{Key: key, Due: due, Method: method, Args: raw}
}

// ClearTimer forgets a timer; one that is not there is fine.
func (tx *Tx) ClearTimer(key string) { tx.timers[key] = TimerChange{Key: key} }

// RequireVersion refuses a command that does not say which version of an
// entry it was decided on (invalid). That a given version still stands is
// checked for every command before the model sees it.
func (tx *Tx) RequireVersion(key string) *Problem {
	if _, ok := tx.Command.IfVersion[key]; ok || tx.Command.Caller.Role == RoleSystem {
		return nil
	}
	return Faults{"/if_version/" + escapePointer(key): "required: the version this was decided on"}.Problem()
}

// Version is the version of an entry before this decision, 0 if there is none.
func (tx *Tx) Version(key string) uint64 { return tx.state.Entries[key].Version }

// NewID makes an id for something the caller did not name. It is the same in
// every run and retry of the command: a UUID (RFC 9562, version 8) out of the
// command's channel and id and what it is for.
func (tx *Tx) NewID(what string) string {
	tx.ids[what]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", tx.Command.On, tx.Command.ID, what, tx.ids[what]))
	b := sum[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// By is who acts, for documents that say so.
func (tx *Tx) By() Actor { return tx.Command.Caller.Actor }

func (tx *Tx) fail(p *Problem) {
	if tx.fault == nil {
		tx.fault = p
	}
}

func newTx(cmd Command, now time.Time, state State, refs map[Channel]State, done map[string]bool, sights *Sights) *Tx {
	return &Tx{
		Now: now, Command: cmd, state: state, refs: refs, done: done, sights: sights,
		expect: map[string]uint64{}, writes: map[string]json.RawMessage{},
		timers: map[string]TimerChange{}, ids: map[string]int{},
	}
}
