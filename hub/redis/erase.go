package redis

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"strconv"

	"github.com/samepage/samepage/hub"
)

//go:embed past.lua
var pastLua string

//go:embed erase.lua
var eraseLua string

var (
	pastScript  = newScript(epochLua + pastLua)
	eraseScript = newScript(writes + epochLua + eraseLua)
)

// eraseTries is how many new epochs of a partition one call bears with.
const eraseTries = 5

// Erase implements [hub.Engine]. What is to be forgotten is looked for first,
// because a script cannot tell the event in a record from what it tells; then
// all of it goes in one step.
func (e *Engine) Erase(ctx context.Context, name hub.Channel, before uint64) (hub.Position, error) {
	if !name.HasEntries() {
		return hub.Position{}, hub.ErrUnknownChannel
	}
	for range eraseTries {
		w, err := e.findPast(ctx, name, before)
		if err != nil {
			return hub.Position{}, err
		}
		pos, done, err := e.forget(ctx, name, w)
		if err != nil || done {
			return pos, err
		}
	}
	return hub.Position{}, unavailable(fmt.Errorf("the epoch of %s does not stay", name))
}

// past is what one call is to forget.
type past struct {
	epoch   string   // the partition's, in which it was found
	before  string   // the offset that is the first to stay
	husks   []any    // seq and message of the records that tell
	refused []string // keys of refused commands
}

func (e *Engine) findPast(ctx context.Context, name hub.Channel, before uint64) (past, error) {
	p := e.keys.partition(name)
	records := e.keys.of(p, keyRecords)
	reply, err := e.run(ctx, p, pastScript,
		[]string{e.keys.of(p, keyPartition), records, e.keys.of(p, keyHead+string(name)), e.keys.of(p, keyRefused+string(name))},
		e.word(), string(name), strconv.FormatUint(before, 10))
	if err != nil {
		return past{}, err
	}
	r, err := list(reply, 4)
	if err != nil {
		return past{}, err
	}
	w := past{epoch: text(r[0]), before: text(r[1])}
	rows, err := list(r[2], 0)
	if err != nil {
		return past{}, err
	}
	for i := 0; i+1 < len(rows); i += 2 {
		seq, message := text(rows[i]), []byte(text(rows[i+1]))
		husk, err := husk(name, message)
		if err != nil {
			return past{}, corruptKey(records, "at "+seq, err)
		}
		if !bytes.Equal(husk, message) {
			w.husks = append(w.husks, seq, husk)
		}
	}
	refused, err := list(r[3], 0)
	if err != nil {
		return past{}, err
	}
	for _, key := range refused {
		w.refused = append(w.refused, text(key))
	}
	return w, nil
}

// husk is a record's message without what its event told.
func husk(name hub.Channel, message []byte) ([]byte, error) {
	m, err := decodeMessage(name, hub.Position{}, message)
	if err != nil {
		return nil, err
	}
	if m.Event == nil {
		return nil, fmt.Errorf("a record of type %d", m.Type)
	}
	return encodeMessage(&hub.Message{Type: m.Type, Time: m.Time, Event: m.Event.Husk()})
}

// forget does it; done is false if the past has become another one.
func (e *Engine) forget(ctx context.Context, name hub.Channel, w past) (pos hub.Position, done bool, err error) {
	p := e.keys.partition(name)
	keys := append([]string{
		e.keys.of(p, keyPartition), e.keys.of(p, keyRecords), e.keys.of(p, keyRewrite),
		e.keys.of(p, keyHead+string(name)), e.keys.of(p, keyLog+string(name)), e.keys.of(p, keyRefused+string(name)),
	}, w.refused...)
	args := append([]any{e.word(), e.word(), w.epoch, string(name), w.before, []byte(hub.ErasedProblem())}, w.husks...)
	reply, err := e.call(ctx, p, eraseScript.call(keys, args...), eraseScript, true)
	if err != nil {
		return hub.Position{}, false, err
	}
	r, err := list(reply, 1)
	if err != nil {
		return hub.Position{}, false, err
	}
	switch status := text(r[0]); {
	case status == "again":
		return hub.Position{}, false, nil
	case status == "ok" && len(r) == 3:
		pos, err = position(r[1], r[2])
		return pos, true, err
	}
	return hub.Position{}, false, fmt.Errorf("hub/redis: unexpected reply %q of an erasure", r)
}
