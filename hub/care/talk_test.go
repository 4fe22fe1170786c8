package care_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
)

func TestPostIsBounded(t *testing.T) {
	attachment := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"a%d":{"type":"image","url":"https://shop.example/%d.png"}`, i, i))
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	for name, tt := range map[string]struct{ args, want, pointer string }{
		"16 KiB fit":                       {`"text":"` + strings.Repeat("x", care.MaxText) + `"`, "queued", ""},
		"one byte more does not":           {`"text":"` + strings.Repeat("x", care.MaxText+1) + `"`, "too_large", ""},
		"no words at all":                  {`"text":"  "`, "invalid", "/text"},
		"an attachment needs no words":     {`"attachments":` + attachment(1), "queued", ""},
		"ten attachments":                  {`"attachments":` + attachment(10), "queued", ""},
		"eleven attachments":               {`"attachments":` + attachment(11), "invalid", "/attachments"},
		"an attachment of an unknown type": {`"attachments":{"a":{"type":"script","url":"https://x.example/"}}`, "invalid", "/attachments/a/type"},
		"an attachment from nowhere":       {`"attachments":{"a":{"type":"file","url":"javascript:alert(1)"}}`, "invalid", "/attachments/a/url"},
		"a message id with a slash":        {`"message":"a/b","text":"x"`, "invalid", "/message"},
		"text of the wrong type":           {`"text":5`, "invalid", "/text"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, care.Config{})
			b.do(customer, "open", `{"conversation":"v1","channel":"web"}`)
			d := b.try(customer, "post", `{"conversation":"v1",`+tt.args+`}`)
			if got := b.outcome(d); got != tt.want {
				t.Fatalf("got %s, want %s: %v", got, tt.want, d.Problem)
			}
			if tt.pointer != "" {
				if _, ok := d.Problem.Details.(hub.Faults)[tt.pointer]; !ok {
					t.Errorf("details %v do not point at %s", d.Problem.Details, tt.pointer)
				}
			}
		})
	}
	b := newBench(t, care.Config{})
	if got := b.try(customer, "post", `{"conversation":"nope","text":"x"}`).Problem; got == nil || got.Code != hub.CodeNotFound {
		t.Errorf("into no conversation: %v", got)
	}
}

func TestTheSameMessageTwice(t *testing.T) {
	b := newBench(t, care.Config{})
	b.do(customer, "open", `{"conversation":"v1","channel":"web"}`)
	b.do(customer, "post", `{"conversation":"v1","message":"m1","text":"hello"}`)
	if got := b.outcome(b.try(customer, "post", `{"conversation":"v1","message":"m1","text":"hello"}`)); got != "same" {
		t.Errorf("alike: %s", got)
	}
	if got := b.outcome(b.try(customer, "post", `{"conversation":"v1","message":"m1","text":"other"}`)); got != "invalid" {
		t.Errorf("otherwise: %s", got)
	}
	if got := b.conversation("v1").Seq; got != 1 {
		t.Errorf("%d messages", got)
	}
}

func TestTheLatestMessagesStay(t *testing.T) {
	b := newBench(t, withBot)
	b.reach(care.StatusAssigned)
	for i := range 3 {
		b.do(ben, "note", fmt.Sprintf(`{"conversation":"v1","message":"n%d","text":"note"}`, i))
	}
	for i := 2; i <= care.MaxMessages+5; i++ {
		e := b.do(customer, "post", fmt.Sprintf(`{"conversation":"v1","message":"m%d","text":"word %d"}`, i, i))
		if gone := count(e, func(c hub.Change) bool { return c.Gone }); i > care.MaxMessages && gone != 1 {
			t.Fatalf("message %d took %d out", i, gone)
		}
	}
	public, notes := 0, 0
	for key, e := range b.state.Entries {
		if hub.EntryKind(key) != "message" {
			continue
		}
		var m care.Message
		if err := json.Unmarshal(e.Doc, &m); err != nil {
			t.Fatal(err)
		}
		if m.Private {
			notes++
			continue
		}
		public++
		if m.Seq <= 5 {
			t.Errorf("message number %d is still there", m.Seq)
		}
	}
	if public != care.MaxMessages || notes != 3 {
		t.Errorf("%d messages and %d notes stay", public, notes)
	}
	for i := range care.MaxMessages {
		b.do(alice, "note", fmt.Sprintf(`{"conversation":"v1","message":"o%d","text":"note"}`, i))
	}
	if c := b.conversation("v1"); len(c.Notes) != care.MaxMessages || len(c.Recent) != care.MaxMessages {
		t.Errorf("%d notes and %d messages stay", len(c.Notes), len(c.Recent))
	}
}

func count(e *hub.Event, is func(hub.Change) bool) (n int) {
	for _, c := range e.Changes {
		if is(c) {
			n++
		}
	}
	return n
}

func TestFirstReply(t *testing.T) {
	b := newBench(t, withBot)
	b.do(customer, "open", `{"conversation":"v1","channel":"web"}`)
	b.do(customer, "post", `{"conversation":"v1","text":"hello"}`)
	if got := b.conversation("v1"); got.UnansweredSince != hub.At(b.now) {
		t.Errorf("unanswered since %v", got.UnansweredSince)
	}
	b.do(bot, "post", `{"conversation":"v1","text":"how can I help?"}`)
	if got := b.conversation("v1"); !got.FirstReplyAt.IsZero() || !got.UnansweredSince.IsZero() {
		t.Errorf("a bot's answer is no first reply: %v %v", got.FirstReplyAt, got.UnansweredSince)
	}
	b.escalate()
	b.claim()
	b.do(alice, "note", `{"conversation":"v1","text":"looks tricky"}`)
	b.wait(time.Minute)
	b.do(alice, "post", `{"conversation":"v1","message":"m9","text":"  Hello,\n I am   Alice  "}`)
	first := hub.At(b.now)
	b.wait(time.Minute)
	b.do(alice, "post", `{"conversation":"v1","message":"m10","text":"`+strings.Repeat("é", 200)+`"}`)
	c := b.conversation("v1")
	if c.FirstReplyAt != first {
		t.Errorf("first reply at %v, want %v", c.FirstReplyAt, first)
	}
	if n := len([]rune(c.LastMessage.Text)); n != 120 || c.LastMessage.Message != "m10" || c.LastMessage.Author != care.AuthorAgent {
		t.Errorf("preview of %d runes: %+v", n, c.LastMessage)
	}
}

func TestMarkReadOnlyRises(t *testing.T) {
	b := newBench(t, withBot)
	b.reach(care.StatusAssigned)
	b.do(alice, "post", `{"conversation":"v1","message":"m2","text":"one"}`)
	b.do(alice, "post", `{"conversation":"v1","message":"m3","text":"two"}`)
	b.do(customer, "mark_read", `{"conversation":"v1","message":"m2"}`)
	if got := b.conversation("v1").Read; got["customer"] != 2 || got["agent"] != 0 {
		t.Fatalf("read %v", got)
	}
	for args, want := range map[string]string{
		`{"conversation":"v1","message":"m1"}`: "same",
		`{"conversation":"v1","seq":1}`:        "same",
		`{"conversation":"v1","message":"m7"}`: "not_found",
		`{"conversation":"v1","seq":-1}`:       "invalid",
	} {
		if got := b.outcome(b.try(customer, "mark_read", args)); got != want {
			t.Errorf("%s: got %s, want %s", args, got, want)
		}
	}
	b.do(customer, "mark_read", `{"conversation":"v1","seq":99}`)
	b.do(alice, "mark_read", `{"conversation":"v1"}`)
	if got := b.conversation("v1").Read; got["customer"] != 3 || got["agent"] != 3 {
		t.Errorf("read %v", got)
	}
}

func TestDeliveryGoesForwardOnly(t *testing.T) {
	b := newBench(t, withBot)
	b.reach(care.StatusAssigned)
	b.do(alice, "post", `{"conversation":"v1","message":"m2","text":"one"}`)
	b.do(alice, "note", `{"conversation":"v1","message":"n1","text":"one"}`)
	for _, step := range []struct{ state, want string }{
		{"sent", "same"}, {"delivered", "assigned staff-alice"}, {"sent", "same"}, {"failed", "same"},
		{"read", "assigned staff-alice"}, {"delivered", "same"}, {"lost", "invalid"},
	} {
		if got := b.outcome(b.try(service, "delivery", `{"conversation":"v1","message":"m2","state":"`+step.state+`"}`)); got != step.want {
			t.Errorf("%s: got %s, want %s", step.state, got, step.want)
		}
	}
	if got := b.outcome(b.try(service, "delivery", `{"conversation":"v1","message":"n1","state":"read"}`)); got != "not_found" {
		t.Errorf("of a note: %s", got)
	}
}

func TestReceive(t *testing.T) {
	receive := func(b *bench, external, text string) hub.Decision {
		return b.try(service, "receive", `{"channel":"whatsapp","address":"+491701234567","external_id":"`+external+`","text":"`+text+`","name":"Mara"}`)
	}
	thread := func(b *bench) string {
		b.t.Helper()
		var ids strings.Builder
		for key := range b.state.Entries {
			if hub.EntryKind(key) == "conversation" {
				ids.WriteString(strings.TrimPrefix(key, "conversation/"))
			}
		}
		return ids.String()
	}
	b := newBench(t, withBot)
	receive(b, "w1", "hello")
	id := thread(b)
	if c := b.conversation(id); c.Status != care.StatusBot || c.Address != "+491701234567" || c.Seq != 1 || c.WindowExpiresAt != hub.At(b.now.Add(24*time.Hour)) {
		t.Fatalf("%+v", c)
	}
	receive(b, "w2", "anybody?")
	if c := b.conversation(id); c.Seq != 2 {
		t.Fatalf("a second thread, or no message: %+v", c)
	}
	if d := receive(b, "w1", "hello"); d.Problem != nil || d.Commit.Event != nil {
		t.Errorf("received twice: %v", d.Problem)
	}
	for _, address := range []string{"491701234567", "+49 170 1234567", " +49 (170) 123-4567"} { // one number
		args := `{"channel":"whatsapp","address":"` + address + `","external_id":"w1","text":"hello"}`
		if d := b.try(service, "receive", args); d.Problem != nil || d.Commit.Event != nil {
			t.Errorf("received twice from %s: %v", address, d.Problem)
		}
	}
	b.do(bot, "escalate", `{"conversation":"`+id+`","reason":"policy"}`)
	b.do(alice, "claim", `{"conversation":"`+id+`"}`)
	b.do(alice, "post", `{"conversation":"`+id+`","text":"hello"}`)
	b.wait(24 * time.Hour)
	d := b.try(alice, "post", `{"conversation":"`+id+`","text":"hello again"}`)
	if d.Problem == nil || d.Problem.Code != care.CodeWindowClosed {
		t.Fatalf("a day later: %v", d.Problem)
	}
	receive(b, "w3", "back")
	b.do(alice, "post", `{"conversation":"`+id+`","text":"hello again"}`)
	b.do(alice, "resolve", `{"conversation":"`+id+`"}`)
	b.do(alice, "wrap_up", `{"conversation":"`+id+`"}`)
	receive(b, "w4", "one more")
	if c := b.conversation(id); c.Status != care.StatusQueued || c.Seq != 6 {
		t.Fatalf("not reopened: %+v", c)
	}
	b.do(alice, "resolve", `{"conversation":"`+id+`"}`)
	b.wait(8 * 24 * time.Hour)
	receive(b, "w5", "a new matter")
	if got := thread(b); got == id {
		t.Errorf("after the reopen window it is a new thread")
	}
	if c := b.conversation(id); c.Status != care.StatusResolved {
		t.Errorf("the old thread is %s", c.Status)
	}
}

// A message counts once, also when the snapshot has long forgotten it.
func TestReceivedOncePerExternalID(t *testing.T) {
	b := newBench(t, care.Config{})
	receive := func(n int) *hub.Event {
		return b.do(service, "receive", fmt.Sprintf(`{"channel":"instagram","address":"@Mara","external_id":"i%d","text":"word %d"}`, n, n))
	}
	for n := range 120 {
		receive(n)
	}
	for n := range 120 {
		if e := receive(n); e != nil {
			t.Fatalf("message %d is received again", n)
		}
	}
}

func TestRefusalsNameNoStaffToOutsiders(t *testing.T) {
	b := newBench(t, withBot)
	b.reach(care.StatusAssigned)
	for _, d := range []hub.Decision{
		b.try(bot, "post", `{"conversation":"v1","text":"as I was saying"}`),
		b.try(bot, "escalate", `{"conversation":"v1","reason":"policy"}`),
		b.try(customer, "escalate", `{"conversation":"v1","reason":"user_request"}`),
	} {
		if d.Problem == nil {
			t.Fatal("accepted")
		}
		raw, err := json.Marshal(d.Problem)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "staff-") || !strings.Contains(string(raw), "Alice") {
			t.Errorf("%s", raw)
		}
	}
	d := b.try(ben, "claim", `{"conversation":"v1"}`)
	raw, err := json.Marshal(d.Problem.Details)
	if err != nil || !strings.Contains(string(raw), `"id":"staff-alice"`) || !strings.Contains(string(raw), `"at":"2026-`) {
		t.Errorf("%s", raw)
	}
}
