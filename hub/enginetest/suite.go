package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

// Harness tells the suite how to come by engines. Only Open is required; what
// is left out is skipped, with its reason printed.
type Harness struct {
	// Open returns an engine on an empty store, and closes it when the test ends. Closing twice
	// must be harmless: the suite closes some itself.
	Open func(t *testing.T) hub.Engine

	// Reopen closes an engine that came from Open or Reopen and opens its store again.
	Reopen func(t *testing.T, e hub.Engine) hub.Engine

	// OpenSmall is Open, but consumers of Log are promised no more than a few dozen records.
	OpenSmall func(t *testing.T) hub.Engine

	// LogSize and LogAge are what channels' logs keep in engines of Open. A small LogSize makes
	// a fast suite. Default to 1000 and seven days.
	LogSize int
	LogAge  time.Duration

	// Advance moves the clock by which an engine counts plain channels' times to live. nil: it
	// is the real one, and the suite sleeps.
	Advance func(e hub.Engine, d time.Duration)
}

// Run holds an engine against the contract.
func Run(t *testing.T, h Harness) {
	if h.LogSize == 0 {
		h.LogSize = 1000
	}
	if h.LogAge == 0 {
		h.LogAge = 7 * 24 * time.Hour
	}
	s := suite{h}
	v := reflect.ValueOf(s)
	for i := range v.NumMethod() {
		name := v.Type().Method(i).Name
		t.Run(name, func(t *testing.T) { v.Method(i).Interface().(func(*testing.T))(t) })
	}
}

// suite's exported methods are the tests.
type suite struct{ Harness }

// skip says what the harness lacks.
func skip(t *testing.T, lacks string) {
	t.Helper()
	t.Skipf("the harness has no %s", lacks)
}

// start is the hub's clock in these tests. It is later than the real one, so
// that nothing expires but by what a commit says.
var start = time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC()

const context42 = hub.Channel("context:c-42")

// event is a commit that makes an event of one entry.
func event(name hub.Channel, key, doc string) *hub.Commit {
	c := &hub.Commit{
		Channel: name, Now: start,
		Event: &hub.Event{Type: "thing.changed", At: hub.At(start), By: hub.Actor{Role: hub.RoleService, ID: "s"}},
	}
	if doc == "" {
		c.Event.Changes = []hub.Change{{Key: key, Gone: true}}
		c.Entries = map[string]json.RawMessage{key: nil}
		return c
	}
	c.Event.Changes = []hub.Change{{Key: key, Doc: json.RawMessage(doc)}}
	c.Entries = map[string]json.RawMessage{key: json.RawMessage(doc)}
	return c
}

func with(c *hub.Commit, change func(c *hub.Commit)) *hub.Commit {
	change(c)
	return c
}

// command gives a commit an id.
func command(c *hub.Commit, id string, hash byte) *hub.Commit {
	c.Command = hub.Remembered{ID: id, Hash: [32]byte{hash}, Expires: c.Now.Add(24 * time.Hour)}
	if c.Event != nil {
		c.Event.Cause = id
	}
	return c
}

func commit(t testing.TB, e hub.Engine, c *hub.Commit) hub.Result {
	t.Helper()
	r, err := e.Commit(t.Context(), c)
	if err != nil {
		t.Fatalf("commit on %s: %v", c.Channel, err)
	}
	return r
}

func load(t testing.TB, e hub.Engine, name hub.Channel) hub.Snapshot {
	t.Helper()
	s, err := e.Load(t.Context(), name)
	if err != nil {
		t.Fatalf("load %s: %v", name, err)
	}
	return s
}

func history(t testing.TB, e hub.Engine, name hub.Channel, q hub.HistoryQuery) hub.History {
	t.Helper()
	h, err := e.History(t.Context(), name, q)
	if err != nil {
		t.Fatalf("history of %s: %v", name, err)
	}
	return h
}

func headOf(t testing.TB, e hub.Engine, name hub.Channel) hub.Position {
	t.Helper()
	heads, err := e.Heads(t.Context(), []hub.Channel{name})
	if err != nil || len(heads) != 1 {
		t.Fatalf("heads of %s: %v, %v", name, heads, err)
	}
	return heads[0]
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// offsets are the offsets of messages, to be compared as text: "[1 2 3]".
func offsets(messages []*hub.Message) string {
	list := make([]uint64, len(messages))
	for i, m := range messages {
		list[i] = m.Position.Offset
	}
	return fmt.Sprint(list)
}

// to is "[from … end]" as offsets writes it.
func to(from, end uint64) string {
	list := []uint64{}
	for ; from <= end; from++ {
		list = append(list, from)
	}
	return fmt.Sprint(list)
}

func want[V comparable](t testing.TB, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// patience is how long something may take to happen that must happen.
const patience = 20 * time.Second

// eventually waits until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// ear is a listener that remembers what it heard.
type ear struct {
	mu       sync.Mutex
	heard    []*hub.Message
	inside   map[hub.Channel]bool
	overlaps []string
}

func (e *ear) deliver(m *hub.Message) {
	e.mu.Lock()
	if e.inside[m.Channel] {
		e.overlaps = append(e.overlaps, string(m.Channel))
	}
	e.inside[m.Channel] = true
	e.heard = append(e.heard, m)
	e.mu.Unlock()
	runtime.Gosched() // room for a second call to show itself
	e.mu.Lock()
	e.inside[m.Channel] = false
	e.mu.Unlock()
}

// of are the messages of a channel.
func (e *ear) of(name hub.Channel) []*hub.Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	var of []*hub.Message
	for _, m := range e.heard {
		if m.Channel == name && !strings.HasPrefix(string(m.Data), "are you there") {
			of = append(of, m)
		}
	}
	return of
}

// waitFor returns a channel's messages when there are n.
func (e *ear) waitFor(t testing.TB, name hub.Channel, n int) []*hub.Message {
	t.Helper()
	eventually(t, fmt.Sprintf("%d messages of %q", n, name), func() bool { return len(e.of(name)) >= n })
	return e.of(name)
}

// listen begins to listen and returns when the engine really does.
func listen(t *testing.T, engine hub.Engine, follow ...hub.Channel) *ear {
	t.Helper()
	e := &ear{inside: map[hub.Channel]bool{}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Listen(ctx, e.deliver) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("Listen did not return after its context ended")
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if len(e.overlaps) > 0 {
			t.Errorf("two calls at once for one channel: %v", e.overlaps)
		}
	})
	eventually(t, "a control message to ourselves", func() bool {
		if err := engine.Send(t.Context(), &hub.Message{Type: hub.MessageControl, Data: []byte("are you there")}); err != nil {
			t.Fatalf("send: %v", err)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(e.heard) > 0
	})
	if err := engine.Follow(t.Context(), follow...); err != nil {
		t.Fatalf("follow: %v", err)
	}
	return e
}

// collect reads n records.
func collect(t testing.TB, e hub.Engine, after hub.Cursors, n int) []hub.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var records []hub.Record
	if n == 0 {
		return nil
	}
	for r, err := range e.Log(ctx, after) {
		if err != nil {
			t.Fatalf("log, after %d of %d records: %v", len(records), n, err)
		}
		if records = append(records, r); len(records) == n {
			break
		}
	}
	return records
}

// allCursors begins at zero everywhere.
func allCursors(e hub.Engine) hub.Cursors {
	c := hub.Cursors{}
	for p := range e.Partitions() {
		c[p] = 0
	}
	return c
}
