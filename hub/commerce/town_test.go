package commerce_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/enginetest"
)

// town is a hub on the model engine: what spans channels needs the real one.
type town struct {
	testing.TB
	engine *mortal
	config commerce.Config
	hub    *hub.Hub
	now    time.Time
	n      int
}

// mortal is an engine that dies at some commit: from then on nothing goes.
type mortal struct {
	hub.Engine
	left  atomic.Int64 // commits until it dies; below 0: never
	after bool         // the last one is stored, but nobody hears of it
}

var errDead = errors.New("the node is dead")

func (m *mortal) Commit(ctx context.Context, c *hub.Commit) (hub.Result, error) {
	switch left := m.left.Load(); {
	case left < 0:
		return m.Engine.Commit(ctx, c)
	case left > 0 && m.left.Add(-1) > 0:
		return m.Engine.Commit(ctx, c)
	case left == 1 && m.after:
		_, _ = m.Engine.Commit(ctx, c)
	}
	return hub.Result{}, errDead
}

func newTown(t testing.TB, config commerce.Config) *town {
	w := &town{
		TB: t, config: config, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		engine: &mortal{Engine: enginetest.NewModel(enginetest.ModelOptions{})},
	}
	w.start()
	w.must(service, catalog, "catalog.set", obj{"items": obj{
		"x": obj{"name": "X", "price": usd(1000)}, "y": obj{"name": "Y", "price": usd(500)}, "z": obj{"name": "Z", "price": usd(100)},
	}})
	return w
}

// start is a node that starts on what there is.
func (w *town) start() {
	w.engine.left.Store(-1)
	w.hub = hub.New(w.engine, hub.Options{
		Now: func() time.Time { return w.now }, CommitTimeout: 250 * time.Millisecond,
	}, commerce.Model(w.config), care.Model(care.Config{}))
}

func (w *town) send(by hub.Caller, on hub.Channel, method, id string, args any, v versions) hub.Answer {
	w.Helper()
	var raw json.RawMessage
	if args != nil {
		raw, _ = json.Marshal(args)
	}
	return w.hub.Do(w.Context(), hub.Command{Method: method, ID: id, On: on, Args: raw, IfVersion: v, Caller: by})
}

func (w *town) do(by hub.Caller, on hub.Channel, method string, args any, v ...versions) hub.Answer {
	w.Helper()
	w.n++
	var decidedOn versions
	if len(v) > 0 {
		decidedOn = v[0]
	}
	return w.send(by, on, method, fmt.Sprintf("cmd-%d", w.n), args, decidedOn)
}

func (w *town) must(by hub.Caller, on hub.Channel, method string, args any, v ...versions) hub.Answer {
	w.Helper()
	a := w.do(by, on, method, args, v...)
	if a.Problem != nil {
		w.Fatalf("%s by %s on %s: %v %s", method, by.Role, on, a.Problem, show(a.Problem.Details))
	}
	return a
}

func (w *town) refused(code string, by hub.Caller, on hub.Channel, method string, args any, v ...versions) obj {
	w.Helper()
	a := w.do(by, on, method, args, v...)
	if a.Problem == nil || a.Problem.Code != code {
		w.Fatalf("%s by %s on %s: got %v, want %s", method, by.Role, on, a.Problem, code)
	}
	var details obj
	raw, _ := json.Marshal(a.Problem.Details)
	_ = json.Unmarshal(raw, &details)
	return details
}

// later moves the clock and runs what comes due.
func (w *town) later(d time.Duration) {
	w.Helper()
	for end := w.now.Add(d); ; w.now = w.now.Add(min(time.Second, end.Sub(w.now))) {
		due, err := w.engine.Due(w.Context(), w.now, time.Second, 100)
		if err != nil {
			w.Fatal(err)
		}
		for _, t := range due {
			a := w.hub.Do(w.Context(), hub.Command{
				Method: t.Method, ID: fmt.Sprintf("timer/%s/%s/%d", t.Channel, t.Key, t.Due.UnixMilli()), On: t.Channel, Args: t.Args, Caller: clock,
			})
			if p := a.Problem; p != nil && p.Code == hub.CodeUnavailable {
				continue
			}
			if err := w.engine.ClearTimer(w.Context(), t); err != nil {
				w.Fatal(err)
			}
		}
		if !w.now.Before(end) {
			return
		}
	}
}

func (w *town) entries(on hub.Channel) map[string]hub.Entry {
	w.Helper()
	s, err := w.engine.Load(w.Context(), on)
	if err != nil {
		w.Fatal(err)
	}
	return s.Entries
}

func (w *town) at(on hub.Channel, key, path string) any {
	w.Helper()
	e, ok := w.entries(on)[key]
	if !ok {
		return nil
	}
	var v any
	if err := json.Unmarshal(e.Doc, &v); err != nil {
		w.Fatal(err)
	}
	for name := range strings.SplitSeq(path, "|") {
		m, _ := v.(obj)
		v = m[name]
	}
	if f, ok := v.(float64); ok {
		return int(f)
	}
	return v
}

func (w *town) want(on hub.Channel, key string, fields obj) {
	w.Helper()
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		if got := w.at(on, key, path); got != fields[path] {
			w.Errorf("%s %s: %s is %v, want %v", on, key, path, got, fields[path])
		}
	}
}

func (w *town) profileVersion(on hub.Channel) uint64 { return w.entries(on)["profile"].Version }

func (w *town) identify(on hub.Channel, identities ...obj) {
	w.Helper()
	w.must(service, on, "profile.identify", obj{"identities": identities})
}

func handle(t, value string) obj { return obj{"type": t, "value": value} }

func (w *town) resolve(t, value string) string {
	w.Helper()
	return w.must(service, "", "context.resolve", handle(t, value)).Result.(commerce.Resolved).Context
}
