package enginetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/samepage/samepage/hub"
)

// RandomOperationsAreAnsweredAsTheModelAnswersThem runs an engine and the
// model side by side. Both live through all rounds; each round has channels of
// its own, so that a failing one can be made smaller.
func (s suite) RandomOperationsAreAnsweredAsTheModelAnswersThem(t *testing.T) {
	p := &pair{
		suite: s, t: t, engine: s.Open(t), now: start, epochs: map[hub.Channel]string{},
	}
	p.model = NewModel(ModelOptions{Partitions: p.engine.Partitions(), LogSize: s.LogSize, LogAge: s.LogAge})
	t.Cleanup(func() { p.model.Close() })
	rounds := 0
	rapid.Check(t, func(r *rapid.T) {
		rounds++
		p.names, p.plain = nil, nil
		for n := range 3 {
			p.names = append(p.names, hub.Channel(fmt.Sprintf("context:r%d-%d", rounds, n)))
			p.plain = append(p.plain, hub.Channel(fmt.Sprintf("plain:r%d-%d", rounds, n)))
		}
		actions := map[string]func(*rapid.T){
			"commit": p.commit, "commit again": p.commit, "load": p.load, "history": p.history, "heads": p.heads,
			"due": p.due, "clear timer": p.clearTimer, "publish": p.publish, "remove history": p.removeHistory,
			"cursors": p.cursors, "log": p.log,
		}
		if s.Reopen != nil {
			actions["reopen"] = p.reopen
		}
		r.Repeat(actions)
		p.compareAll(r)
	})
}

type pair struct {
	suite
	t            *testing.T
	engine       hub.Engine
	model        *Model
	names, plain []hub.Channel
	now          time.Time
	epochs       map[hub.Channel]string
	reopened     int
}

// same compares answers, positions by their offsets alone.
func same(r *rapid.T, what string, got, want any) {
	r.Helper()
	g, err := json.Marshal(got)
	if err != nil {
		r.Fatal(err)
	}
	w, err := json.Marshal(want)
	if err != nil {
		r.Fatal(err)
	}
	if string(g) != string(w) {
		r.Fatalf("%s:\nengine %s\nmodel  %s", what, g, w)
	}
}

// sameErr compares errors by what callers ask of them.
func sameErr(r *rapid.T, what string, got, want error) bool {
	r.Helper()
	for _, known := range []error{hub.ErrConflict, hub.ErrCommandIDReused, hub.ErrEpoch, hub.ErrTrimmed} {
		if errors.Is(got, known) != errors.Is(want, known) {
			r.Fatalf("%s: engine %v, model %v", what, got, want)
		}
	}
	if (got == nil) != (want == nil) {
		r.Fatalf("%s: engine %v, model %v", what, got, want)
	}
	return got == nil
}

// epoch checks that a channel's epoch is what it was.
func (p *pair) epoch(r *rapid.T, name hub.Channel, got hub.Position) {
	r.Helper()
	if known, ok := p.epochs[name]; ok && known != got.Epoch {
		r.Fatalf("%s was of epoch %q, is of %q", name, known, got.Epoch)
	}
	p.epochs[name] = got.Epoch
}

func (p *pair) commit(r *rapid.T) {
	name := rapid.SampledFrom(p.names).Draw(r, "channel")
	if rapid.IntRange(0, 9).Draw(r, "clock") == 0 {
		p.now = p.now.Add(time.Duration(rapid.IntRange(0, int(p.LogAge/time.Minute)).Draw(r, "minutes")) * time.Minute)
	}
	p.now = p.now.Add(time.Millisecond)
	c := &hub.Commit{Channel: name, Now: p.now}
	state, _ := p.model.Load(r.Context(), name)
	if rapid.IntRange(0, 7).Draw(r, "whole") == 0 {
		offset := state.Position.Offset + uint64(rapid.IntRange(0, 1).Draw(r, "ahead"))
		c.Offset = &offset
	}
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"loyalty", "cart/1", "cart/2", "order/1"}), 0, 3, rapid.ID).Draw(r, "keys")
	if len(keys) > 0 {
		c.Event = &hub.Event{Type: "thing.changed", At: hub.At(p.now), By: hub.Actor{Role: hub.RoleCustomer, ID: "c"}}
		c.Entries, c.Expect = map[string]json.RawMessage{}, map[string]uint64{}
	}
	for _, key := range keys {
		doc := json.RawMessage(rapid.StringMatching(`\{"n":"[a-zäß\\u]{0,40}"\}`).Filter(func(s string) bool { return json.Valid([]byte(s)) }).Draw(r, "doc"))
		change := hub.Change{Key: key, Doc: doc}
		if rapid.IntRange(0, 4).Draw(r, "gone") == 0 {
			change, doc = hub.Change{Key: key, Gone: true}, nil
		}
		c.Event.Changes = append(c.Event.Changes, change)
		c.Entries[key] = doc
		switch rapid.IntRange(0, 9).Draw(r, "expect") {
		case 0:
			c.Expect[key] = uint64(rapid.IntRange(0, 5).Draw(r, "version"))
		case 1, 2, 3, 4:
			c.Expect[key] = state.Entries[key].Version
		}
	}
	if rapid.Bool().Draw(r, "command") {
		c.Command = hub.Remembered{
			ID:      fmt.Sprintf("id-%d", rapid.IntRange(1, 6).Draw(r, "id")),
			Hash:    [32]byte{byte(rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(r, "hash"))},
			Expires: p.now.Add(time.Duration(rapid.SampledFrom([]int{5, 1000, 100_000_000}).Draw(r, "lives")) * time.Millisecond),
		}
		if c.Event == nil && rapid.Bool().Draw(r, "refused") {
			c.Command.Problem = json.RawMessage(`{"code":"no"}`)
		}
	}
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"t1", "t2"}), 0, 2, rapid.ID).Draw(r, "timers") {
		change := hub.TimerChange{Key: key}
		if rapid.IntRange(0, 2).Draw(r, "set") > 0 {
			change.Due = p.now.Add(time.Duration(rapid.IntRange(-10, 50).Draw(r, "due")) * time.Millisecond)
			change.Method, change.Args = "m", json.RawMessage(`{"n":1}`)
		}
		c.Timers = append(c.Timers, change)
	}
	theirs := *c
	theirs.Entries, theirs.Expect = maps.Clone(c.Entries), maps.Clone(c.Expect)
	w, wantErr := p.model.Commit(r.Context(), &theirs)
	g, err := p.engine.Commit(r.Context(), c)
	if sameErr(r, "commit", err, wantErr) {
		p.epoch(r, name, g.Position)
		g.Position.Epoch = w.Position.Epoch
		same(r, "commit", g, w)
	}
}

func (p *pair) load(r *rapid.T) { p.compareEntries(r, rapid.SampledFrom(p.names).Draw(r, "channel")) }

func (p *pair) compareEntries(r *rapid.T, name hub.Channel) {
	w, _ := p.model.Load(r.Context(), name)
	g, err := p.engine.Load(r.Context(), name)
	if err != nil {
		r.Fatal(err)
	}
	p.epoch(r, name, g.Position)
	g.Position.Epoch = w.Position.Epoch
	same(r, "load", g, w)
}

func (p *pair) history(r *rapid.T) {
	name := rapid.SampledFrom(append(slices.Clone(p.names), p.plain...)).Draw(r, "channel")
	q := hub.HistoryQuery{Limit: rapid.IntRange(-1, 5).Draw(r, "limit"), Reverse: rapid.Bool().Draw(r, "reverse")}
	if rapid.Bool().Draw(r, "since?") {
		q.Since = &hub.Position{Offset: uint64(rapid.IntRange(0, 30).Draw(r, "since"))}
	}
	p.compareHistory(r, name, q)
}

func (p *pair) compareHistory(r *rapid.T, name hub.Channel, q hub.HistoryQuery) {
	w, _ := p.model.History(r.Context(), name, q)
	g, err := p.engine.History(r.Context(), name, q)
	if err != nil {
		r.Fatal(err)
	}
	p.epoch(r, name, g.Position)
	same(r, "history's end", g.Position.Offset, w.Position.Offset)
	same(r, "history", plainer(g.Messages), plainer(w.Messages))
	for _, m := range g.Messages {
		p.epoch(r, name, m.Position)
	}
}

// plainer are messages without what differs between stores.
func plainer(messages []*hub.Message) []hub.Message {
	list := make([]hub.Message, len(messages))
	for i, m := range messages {
		list[i] = *m
		list[i].Position.Epoch = ""
		if m.Type != hub.MessageEvent {
			list[i].Time = 0
		}
	}
	return list
}

func (p *pair) heads(r *rapid.T) {
	names := append(slices.Clone(p.names), p.plain...)
	w, _ := p.model.Heads(r.Context(), names)
	g, err := p.engine.Heads(r.Context(), names)
	if err != nil || len(g) != len(w) {
		r.Fatalf("%d heads, %v", len(g), err)
	}
	for i, name := range names {
		p.epoch(r, name, g[i])
		same(r, "head of "+string(name), g[i].Offset, w[i].Offset)
	}
}

func (p *pair) due(r *rapid.T) {
	p.now = p.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(r, "later")) * time.Millisecond)
	lease := time.Duration(rapid.IntRange(1, 40).Draw(r, "lease")) * time.Millisecond
	w, _ := p.model.Due(r.Context(), p.now, lease, 10_000)
	g, err := p.engine.Due(r.Context(), p.now, lease, 10_000)
	if err != nil {
		r.Fatal(err)
	}
	same(r, "due", describe(g), describe(w))
}

func (p *pair) clearTimer(r *rapid.T) {
	t := hub.Timer{
		Channel: rapid.SampledFrom(p.names).Draw(r, "channel"), Key: rapid.SampledFrom([]string{"t1", "t2"}).Draw(r, "key"),
		Due: p.now,
	}
	p.model.mu.Lock()
	if known := p.model.timers[[2]string{string(t.Channel), t.Key}]; known != nil && rapid.Bool().Draw(r, "known") {
		t.Due = known.Due
	}
	p.model.mu.Unlock()
	_ = p.model.ClearTimer(r.Context(), t)
	if err := p.engine.ClearTimer(r.Context(), t); err != nil {
		r.Fatal(err)
	}
}

func (p *pair) publish(r *rapid.T) {
	name := rapid.SampledFrom(p.plain).Draw(r, "channel")
	opts := hub.PublishOptions{
		HistorySize: rapid.IntRange(1, 4).Draw(r, "size"), HistoryTTL: 1000 * time.Hour,
		// What is in memory alone would be lost, and rightly so, when the engine is opened again.
		Durable: p.Reopen != nil,
	}
	if rapid.IntRange(0, 2).Draw(r, "keyed") == 0 {
		opts.IdempotencyKey = rapid.SampledFrom([]string{"k1", "k2"}).Draw(r, "key")
		opts.IdempotencyTTL = 1000 * time.Hour
	}
	if rapid.IntRange(0, 2).Draw(r, "versioned") == 0 {
		opts.Version = uint64(rapid.IntRange(1, 5).Draw(r, "version"))
		opts.VersionEpoch = rapid.SampledFrom([]string{"", "e1", "e2"}).Draw(r, "version epoch")
	}
	message := func() *hub.Message {
		return &hub.Message{Channel: name, Type: hub.MessagePublication, Data: []byte("x")}
	}
	w, _ := p.model.Publish(r.Context(), message(), opts)
	g, err := p.engine.Publish(r.Context(), message(), opts)
	if err != nil {
		r.Fatal(err)
	}
	p.epoch(r, name, g)
	same(r, "publish", g.Offset, w.Offset)
}

func (p *pair) removeHistory(r *rapid.T) {
	name := rapid.SampledFrom(p.plain).Draw(r, "channel")
	_ = p.model.RemoveHistory(r.Context(), name)
	if err := p.engine.RemoveHistory(r.Context(), name); err != nil {
		r.Fatal(err)
	}
}

func (p *pair) cursors(r *rapid.T) {
	consumer := rapid.SampledFrom([]string{"view", "flow"}).Draw(r, "consumer")
	switch rapid.IntRange(0, 3).Draw(r, "what") {
	case 0:
		_ = p.model.ResetCursors(r.Context(), consumer)
		if err := p.engine.ResetCursors(r.Context(), consumer); err != nil {
			r.Fatal(err)
		}
	default:
		c := hub.Cursors{}
		for range rapid.IntRange(1, 3).Draw(r, "count") {
			c[rapid.IntRange(0, p.engine.Partitions()-1).Draw(r, "partition")] = uint64(rapid.IntRange(0, 20).Draw(r, "seq"))
		}
		_ = p.model.SaveCursors(r.Context(), consumer, maps.Clone(c))
		if err := p.engine.SaveCursors(r.Context(), consumer, c); err != nil {
			r.Fatal(err)
		}
	}
	w, _ := p.model.Cursors(r.Context(), consumer)
	g, err := p.engine.Cursors(r.Context(), consumer)
	if err != nil {
		r.Fatal(err)
	}
	same(r, "cursors", g, w)
}

// log reads this round's partitions from somewhere to their end.
func (p *pair) log(r *rapid.T) {
	p.model.mu.Lock()
	after := hub.Cursors{}
	for _, name := range p.names {
		partition := hub.Partition(name, p.engine.Partitions())
		head := p.model.heads[partition]
		after[partition] = head - min(head, uint64(rapid.IntRange(0, 20).Draw(r, "back")))
	}
	var w []hub.Record
	for _, record := range p.model.records {
		if cursor, ok := after[record.Partition]; ok && record.Seq > cursor {
			w = append(w, record)
		}
	}
	p.model.mu.Unlock()
	sorted := func(records []hub.Record) []string {
		var list []string
		for _, record := range records {
			raw, _ := json.Marshal(record.Message.Event)
			list = append(list, fmt.Sprintf("%4d %6d %s %d %s", record.Partition, record.Seq, record.Message.Channel, record.Message.Position.Offset, raw))
		}
		slices.Sort(list) // partitions may be mixed in any way
		return list
	}
	same(r, "log", sorted(collect(p.t, p.engine, after, len(w))), sorted(w))
}

func (p *pair) reopen(r *rapid.T) {
	if p.reopened++; p.reopened%4 != 0 {
		return // a little goes a long way
	}
	p.engine = p.Reopen(p.t, p.engine)
	for _, name := range p.plain {
		if p.model.plain[name] == nil {
			delete(p.epochs, name) // nothing of it is stored yet
		}
	}
	p.now = p.now.Add(time.Second) // all leases end: whether a claim survives is open
	p.compareAll(r)
}

func (p *pair) compareAll(r *rapid.T) {
	for _, name := range p.names {
		p.compareEntries(r, name)
		p.compareHistory(r, name, hub.HistoryQuery{Limit: -1})
	}
	for _, name := range p.plain {
		p.compareHistory(r, name, hub.HistoryQuery{Limit: -1, Reverse: true})
	}
}
