package describe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/custom"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/hub/view"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/sessions"
	"github.com/samepage/samepage/web/describe"
)

var record = flag.Bool("record", false, "write recorded.json anew")

// models are all there are, with a bot in the queue that the examples need one
// in, and repairs declared.
func models() []hub.Model {
	all := []hub.Model{
		commerce.Model(commerce.Config{}),
		care.Model(care.Config{Queues: map[string]care.Queue{"support": {}, "orders": {Bot: "helper", BotName: "Helper"}}}),
		view.Model(),
		sessions.Model(),
	}
	declared, err := custom.Model([]custom.Kind{{
		Kind: "repair", Channel: hub.KindContext, Roles: map[string]string{"customer": custom.Read, "agent": custom.Write, "service": custom.Write},
		Schema: map[string]any{
			"type": "object", "required": []any{"item", "state"},
			"properties": map[string]any{"item": map[string]any{"type": "string"}, "state": map[string]any{"enum": []any{"received", "done"}}},
		},
	}}, all...)
	if err != nil {
		panic(err)
	}
	return append(all, declared)
}

// cast are the callers of the examples.
var cast = map[hub.Role]hub.Caller{
	hub.RoleCustomer:   {Actor: hub.Actor{Role: hub.RoleCustomer, ID: "c-42", Name: "Mara", Via: "app"}, Context: "c-42"},
	hub.RolePOS:        {Actor: hub.Actor{Role: hub.RolePOS, ID: "till-1", Via: "pos", Device: "till-1"}, Store: "s1"},
	hub.RoleAgent:      {Actor: hub.Actor{Role: hub.RoleAgent, ID: "anna", Name: "Anna", Via: "desk"}, Queues: []string{"support", "orders"}},
	hub.RoleSupervisor: {Actor: hub.Actor{Role: hub.RoleSupervisor, ID: "sam", Name: "Sam", Via: "desk"}, Queues: []string{"support", "orders"}},
	hub.RoleService:    {Actor: hub.Actor{Role: hub.RoleService, ID: "api", Via: "api"}},
	hub.RoleBot:        {Actor: hub.Actor{Role: hub.RoleBot, ID: "helper", Name: "Helper", Via: "bot"}, Queues: []string{"orders"}},
	hub.RoleSystem:     {Actor: hub.Actor{Role: hub.RoleSystem}},
}

// stage is a hub on the model engine whose clock is moved by hand.
type stage struct {
	t        *testing.T
	hub      *hub.Hub
	engine   hub.Engine
	sessions *sessions.Server
	now      time.Time
	calls    []string          // the methods, in their order
	told     map[string]string // texts of results and events so far, by their name
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, engine: enginetest.NewModel(enginetest.ModelOptions{}), now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), told: map[string]string{}}
	t.Cleanup(func() { s.engine.Close() })
	s.hub = hub.New(s.engine, hub.Options{Now: func() time.Time { return s.now }, Ask: prices}, models()...)
	tokens, err := sessions.NewTokens(sessions.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.sessions = sessions.NewServer(s.hub, presence.NewMemory(), tokens, sessions.Options{})
	return s
}

func commandID(n int) string { return fmt.Sprintf("0192f5c0-7d00-7000-8000-%012d", n) }

// prices is the backend of the examples: it knows one code, good for 0.50 off a cart.
func prices(_ context.Context, topic string, _ json.RawMessage) (json.RawMessage, error) {
	if topic != commerce.TopicPrice {
		return nil, hub.ErrNobodyAsked
	}
	return json.RawMessage(`{"codes":{"WELCOME":{"cart":{"amount":50,"currency":"USD"}}}}`), nil
}

// play runs one example and returns what went over the wire.
func (s *stage) play(method string, e hub.Example) (describe.Call, hub.Answer) {
	s.t.Helper()
	s.now = s.now.Add(e.Later + time.Second)
	s.calls = append(s.calls, method)
	caller := cast[e.As]
	if e.Who != "" {
		caller.ID, caller.Name = e.Who, strings.ToUpper(e.Who[:1])+e.Who[1:]
	}
	e.Args = blank.ReplaceAllStringFunc(e.Args, func(name string) string {
		text, ok := s.told[strings.Trim(name, `"<>`)]
		if !ok {
			s.t.Fatalf("%s: no answer before told of %s", method, name)
		}
		return strconv.Quote(text)
	})
	var args bytes.Buffer
	if e.Args == "" {
		e.Args = "{}"
	}
	if err := json.Compact(&args, []byte(e.Args)); err != nil {
		s.t.Fatalf("%s: the example's arguments are no JSON: %v", method, err)
	}
	cmd := hub.Command{Method: method, ID: commandID(len(s.calls)), On: e.On, Args: args.Bytes(), Caller: caller}
	if len(e.Versions) > 0 {
		snapshot, err := s.hub.Snapshot(s.t.Context(), e.On)
		if err != nil {
			s.t.Fatal(err)
		}
		cmd.IfVersion = map[string]uint64{}
		for _, key := range e.Versions {
			cmd.IfVersion[key] = snapshot.Entries[key].Version
		}
	}
	body := struct {
		ID        string            `json:"id"`
		On        hub.Channel       `json:"on,omitempty"`
		Args      json.RawMessage   `json:"args"`
		IfVersion map[string]uint64 `json:"if_version,omitempty"`
	}{cmd.ID, cmd.On, cmd.Args, cmd.IfVersion}
	answer := s.hub.Do(s.t.Context(), cmd)
	call := describe.Call{As: string(e.As), Status: 200, Request: encode(s.t, body)}
	s.listen(answer)
	id := &sessions.Identity{Caller: caller}
	call.Answer = s.plainEpoch(e.On, s.sessions.EncodeAnswer(id, e.On, answer))
	if answer.Problem != nil {
		call.Status = answer.Problem.Status()
	}
	return call, answer
}

// signal runs a command that sessions carries and no model knows.
func (s *stage) signal(method string) describe.Call {
	s.t.Helper()
	call := describe.Call{As: string(hub.RoleCustomer), Status: 200, Request: json.RawMessage(`{"on":"context:c-42","args":{"conversation":"v1"}}`)}
	id := &sessions.Identity{Caller: cast[hub.RoleCustomer]}
	answer, on := s.sessions.Command(s.t.Context(), id, method, call.Request)
	if answer.Problem != nil {
		s.t.Errorf("%s: %v", method, answer.Problem)
	}
	call.Answer = s.sessions.EncodeAnswer(id, on, answer)
	return call
}

// blank is a place in an example's arguments for what an answer before it
// told under that name: "<code>".
var blank = regexp.MustCompile(`"<[a-z_]+>"`)

func (s *stage) listen(a hub.Answer) {
	sources := []json.RawMessage{encode(s.t, a.Result)}
	if a.Event != nil {
		sources = append(sources, a.Event.Data)
		for _, c := range a.Event.Changes {
			sources = append(sources, c.Doc, c.Patch)
		}
	}
	for _, raw := range sources {
		var fields map[string]any
		if json.Unmarshal(raw, &fields) != nil {
			continue
		}
		for name, v := range fields {
			if text, ok := v.(string); ok {
				s.told[name] = text
			}
		}
	}
}

// plainEpoch puts a fixed word in the place of the random one.
func (s *stage) plainEpoch(name hub.Channel, b []byte) []byte {
	snapshot, err := s.hub.Snapshot(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return bytes.ReplaceAll(b, []byte(`"`+snapshot.Position.Epoch+`"`), []byte(`"k3x9"`))
}

func encode(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestExamplesAreTrue runs every example, each model's as one story on one
// store, and holds how it ends.
func TestExamplesAreTrue(t *testing.T) {
	for _, m := range models() {
		s := newStage(t)
		for _, doc := range m.Docs.Methods {
			for i, e := range doc.Examples {
				_, answer := s.play(doc.Name, e)
				got := ""
				if answer.Problem != nil {
					got = answer.Problem.Code
				}
				if got != e.Problem {
					t.Errorf("%s, example %d: %v, want %q", doc.Name, i+1, answer.Problem, e.Problem)
				}
				if got == hub.CodeInvalid && e.Problem == got {
					continue
				}
				if got != "" && !slices.Contains(doc.Problems, got) && !slices.Contains(hub.AnyCommand(), got) {
					t.Errorf("%s answers %s, which is not among its problems", doc.Name, got)
				}
			}
		}
	}
}

// TestRecordingIsTrue holds recorded.json against a fresh one.
func TestRecordingIsTrue(t *testing.T) {
	got := describe.Recording{Comments: comments(t), Calls: map[string][]describe.Call{}, Events: map[string]describe.EventSeen{}}
	for _, m := range models() {
		s := newStage(t)
		for _, doc := range m.Docs.Methods {
			for _, e := range doc.Examples {
				call, _ := s.play(doc.Name, e)
				got.Calls[doc.Name] = append(got.Calls[doc.Name], call)
			}
		}
		s.events(got)
	}
	s := newStage(t)
	for _, method := range []string{"signal.typing", "signal.viewing"} {
		got.Calls[method] = []describe.Call{s.signal(method)}
	}
	file := write(t, got)
	if *record {
		if err := os.WriteFile("recorded.json", file, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	stored, err := os.ReadFile("recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, file) {
		t.Errorf("recorded.json is not what the code does; run go generate ./web/describe: %s", cmp.Diff(string(stored), string(file)))
	}
}

// write puts a recording into a file, a line for each thing that can change.
func write(t *testing.T, r describe.Recording) []byte {
	t.Helper()
	var b bytes.Buffer
	part := func(name string, n int, lines func(line func(key string, v any))) {
		fmt.Fprintf(&b, "%q: {\n", name)
		lines(func(key string, v any) {
			n--
			comma := ","
			if n == 0 {
				comma = ""
			}
			fmt.Fprintf(&b, "%q: %s%s\n", key, encode(t, v), comma)
		})
		b.WriteString("}")
	}
	b.WriteString("{\n")
	part("comments", len(r.Comments), func(line func(string, any)) {
		for _, key := range slices.Sorted(maps.Keys(r.Comments)) {
			line(key, r.Comments[key])
		}
	})
	b.WriteString(",\n")
	part("calls", len(r.Calls), func(line func(string, any)) {
		for _, key := range slices.Sorted(maps.Keys(r.Calls)) {
			line(key, r.Calls[key])
		}
	})
	b.WriteString(",\n")
	part("events", len(r.Events), func(line func(string, any)) {
		for _, key := range slices.Sorted(maps.Keys(r.Events)) {
			line(key, r.Events[key])
		}
	})
	b.WriteString("\n}\n")
	return b.Bytes()
}

// events notes one event of each type, as a service sees it.
func (s *stage) events(r describe.Recording) {
	s.t.Helper()
	names := map[string]string{} // command id -> method
	for i, method := range s.calls {
		names[commandID(i+1)] = method
	}
	channels := map[hub.Channel]bool{}
	for name, err := range s.engine.Channels(s.t.Context(), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		channels[name] = true
	}
	service := cast[hub.RoleService].Audience()
	for _, name := range slices.Sorted(maps.Keys(channels)) {
		history, err := s.hub.History(s.t.Context(), name, hub.HistoryQuery{Limit: -1})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, m := range history.Messages {
			e := s.hub.Sights().Event(service, name, m.Event)
			if e == nil {
				continue
			}
			seen := r.Events[e.Type]
			cause, _, _ := strings.Cut(e.Cause, "/")
			if method := names[cause]; method != "" && !slices.Contains(seen.By, method) {
				seen.By = append(seen.By, method)
				slices.Sort(seen.By)
			}
			if seen.Event == nil || len(e.Data) > 0 && !bytes.Contains(seen.Event, []byte(`"data":`)) {
				seen.Channel, seen.Event = name.Kind(), s.plainEpoch(name, sessions.EncodeEvent(e))
			}
			r.Events[e.Type] = seen
		}
	}
}
