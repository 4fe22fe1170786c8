package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samepage/samepage/hub/redis/redistest"
)

// shop is a running hub with a catalogue, for the scenarios: one program on a
// file, or two nodes on Redis. Whoever asks or connects comes to the next node.
type shop struct {
	t     *testing.T
	start func() *program // a node, in place of one that crashed
	turns atomic.Int64
	ids   atomic.Int64

	*program              // the first node
	mu       sync.RWMutex // guards it, and the following field
	nodes    []*program
}

// onBothEngines plays a scenario on a file, and on two nodes on Redis.
func onBothEngines(t *testing.T, config string, play func(t *testing.T, s *shop)) {
	t.Helper()
	t.Run("bolt", func(t *testing.T) {
		t.Parallel()
		play(t, openShop(t, config))
	})
	t.Run("two nodes on Redis", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		play(t, fitOut(t, 2, func() *program { return node(t, server.URL(), config) }))
	})
}

// openShop is a shop on a file.
func openShop(t *testing.T, config string) *shop {
	t.Helper()
	data := filepath.Join(t.TempDir(), "samepage.db")
	return fitOut(t, 1, func() *program { return serve(t, data, config) })
}

func fitOut(t *testing.T, nodes int, start func() *program) *shop {
	t.Helper()
	s := &shop{t: t, start: start}
	for range nodes {
		s.nodes = append(s.nodes, start())
	}
	s.program = s.nodes[0]
	s.price("latte", 450)
	s.price("x", 1000)
	return s
}

// raceRuns is how often a race is run, more often in the long form.
func raceRuns() int {
	if os.Getenv("SAMEPAGE_SOAK") != "" {
		return 1000
	}
	return 50
}

// crash is kill -9 of the first node, and a new start on the same store.
func (s *shop) crash() {
	s.t.Helper()
	s.kill()
	p := s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.program, s.nodes[0] = p, p
}

// node is the one whose turn it is.
func (s *shop) node() *program {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.nodes[int(s.turns.Add(1))%len(s.nodes)]
}

func (s *shop) call(method, path, auth, body string) answer {
	s.t.Helper()
	return s.node().call(method, path, auth, body)
}

func (s *shop) connect(t *testing.T, token string) *socket {
	t.Helper()
	return s.node().connect(t, token)
}

// id makes command ids.
func (s *shop) id() string {
	return fmt.Sprintf("s-%d", s.ids.Add(1))
}

// backend sends a command as the backend, which must be accepted.
func (s *shop) backend(method, on, args string) answer {
	s.t.Helper()
	return s.node().command(method, on, s.id(), args)
}

func (s *shop) price(sku string, amount int) {
	s.t.Helper()
	s.backend("catalog.set", "catalog:default", fmt.Sprintf(`{"items":{%q:{"name":%q,"price":%s}}}`, sku, strings.ToUpper(sku), usd(amount)))
}

func usd(amount int) string { return fmt.Sprintf(`{"amount":%d,"currency":"USD"}`, amount) }

// as sends a command over HTTP as somebody and returns the answer, whatever it is.
func (s *shop) as(token, method, on, args, versions string) answer {
	s.t.Helper()
	if versions == "" {
		versions = "{}"
	}
	return s.call("POST", "/v1/commands/"+method, token, fmt.Sprintf(`{"id":%q,"on":%q,"args":%s,"if_version":%s}`, s.id(), on, args, versions))
}

// must is as for what must be accepted.
func (s *shop) must(token, method, on, args, versions string) answer {
	s.t.Helper()
	a := s.as(token, method, on, args, versions)
	if a.status != 200 {
		s.t.Fatalf("%s on %s: %d %s", method, on, a.status, a.body)
	}
	return a
}

// refused is as for what must be refused with a code.
func (s *shop) refused(code, token, method, on, args, versions string) answer {
	s.t.Helper()
	a := s.as(token, method, on, args, versions)
	if a.field("code") != code {
		s.t.Fatalf("%s on %s: %d %s, want %s", method, on, a.status, a.body, code)
	}
	return a
}

// entry is a field of an entry as the backend sees it: entry(maya, "order/o1", "fulfilments|f1|state").
func (s *shop) entry(channel, key, path string) any {
	s.t.Helper()
	return s.call("GET", "/v1/channels/"+channel, "", "").field("entries|" + key + "|doc|" + path)
}

// at names the version an entry has now.
func (s *shop) at(channel, key string) string {
	s.t.Helper()
	return fmt.Sprintf(`{%q:%v}`, key, s.call("GET", "/v1/channels/"+channel, "", "").field("entries|"+key+"|v"))
}

// want waits until an entry's field has a value.
func (s *shop) want(channel, key, path string, want any) {
	s.t.Helper()
	var got any
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if got = s.entry(channel, key, path); got == want {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s %s %s is %v, want %v", channel, key, path, got, want)
		}
	}
}

// types are the types of a channel's events, oldest first.
func (s *shop) types(channel string) []string {
	s.t.Helper()
	a := s.call("GET", "/v1/channels/"+channel+"/events?limit=300", "", "")
	if a.status != 200 {
		s.t.Fatalf("events of %s: %d %s", channel, a.status, a.body)
	}
	var types []string
	for part := range strings.SplitSeq(string(a.body), `"type":"`) {
		if word, _, ok := strings.Cut(part, `"`); ok && strings.Contains(word, ".") && !strings.ContainsAny(word, "{} :") {
			types = append(types, word)
		}
	}
	return types
}

// count is how many events of a type a channel has.
func (s *shop) count(channel, eventType string) int {
	n := 0
	for _, t := range s.types(channel) {
		if t == eventType {
			n++
		}
	}
	return n
}

// checkIn lets a customer show a code at a till.
func (s *shop) checkIn(channel, customer, till string) {
	s.t.Helper()
	s.must(customer, "context.check_in_code", channel, `{}`, "")
	code := s.call("GET", "/v1/channels/"+channel, customer, "").field("entries|check_in|doc|code")
	a := s.call("POST", "/v1/commands/context.check_in", till, fmt.Sprintf(`{"id":%q,"args":{"code":"%v"}}`, s.id(), code))
	if a.status != 200 {
		s.t.Fatalf("the till is answered %d %s", a.status, a.body)
	}
}
