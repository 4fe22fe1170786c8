package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shop is a running program with a catalogue, for the scenarios.
type shop struct {
	*program
	data, config string
	n            int
}

func openShop(t *testing.T, config string) *shop {
	t.Helper()
	s := &shop{data: filepath.Join(t.TempDir(), "samepage.db"), config: config}
	s.program = serve(t, s.data, config)
	s.price("latte", 450)
	s.price("x", 1000)
	return s
}

// crash is kill -9, and a new start on the same file.
func (s *shop) crash() {
	s.t.Helper()
	s.kill()
	s.program = serve(s.t, s.data, s.config)
}

// id makes command ids.
func (s *shop) id() string {
	s.n++
	return fmt.Sprintf("s-%d", s.n)
}

// backend sends a command as the backend, which must be accepted.
func (s *shop) backend(method, on, args string) answer {
	s.t.Helper()
	return s.command(method, on, s.id(), args)
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
