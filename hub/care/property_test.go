package care_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
)

var audiences = []hub.Audience{
	{Role: hub.RoleGuest}, {Role: hub.RoleCustomer}, {Role: hub.RolePOS, Store: "s1"}, {Role: hub.RolePOS, Store: "s1", CheckedIn: true},
	{Role: hub.RoleAgent}, {Role: hub.RoleSupervisor}, {Role: hub.RoleService}, {Role: hub.RoleBot, Bot: "helper"}, {Role: hub.RoleBot, Bot: "rival"},
	{Role: hub.RoleSystem},
}

// wander runs a random story, holding every step against the rules. pick(n)
// chooses one of n.
func wander(t reporter, config care.Config, steps int, pick func(n int) int) *bench {
	b := newBench(t, config)
	who := []hub.Caller{customer, customer, alice, alice, ben, stranger, supervisor, bot, otherBot, service, system, till}
	methods := []string{
		"open", "post", "post", "post", "note", "mark_read", "receive", "delivery", "escalate", "claim", "take_over",
		"transfer", "transfer", "accept", "accept", "decline", "complete_transfer", "release", "return_to_bot", "snooze", "wake", "resolve", "wrap_up", "reopen",
	}
	for range steps {
		switch pick(8) {
		case 0: // time goes by
			b.wait([]time.Duration{time.Second, 2 * time.Minute, 25 * time.Hour, 8 * 24 * time.Hour}[pick(4)])
			b.fire()
			continue
		}
		method := methods[pick(len(methods))]
		conversation, message := pick(3)+1, pick(40)
		args := map[string]any{"conversation": fmt.Sprintf("v%d", conversation)}
		switch method {
		case "open":
			args["channel"] = []string{"web", "whatsapp"}[pick(2)]
			if pick(3) == 0 {
				args["queue"] = "returns"
			}
		case "post", "note":
			args["message"], args["text"] = fmt.Sprintf("m%d", message), fmt.Sprintf("word %d", message)
			if pick(2) == 0 {
				delete(args, "message")
			}
		case "mark_read":
			args["seq"] = message
		case "receive":
			args = map[string]any{"channel": "whatsapp", "address": "+4917", "external_id": fmt.Sprint(message), "text": "from afar"}
		case "delivery":
			args["message"], args["state"] = fmt.Sprintf("m%d", message), []string{"sent", "delivered", "read", "failed"}[pick(4)]
		case "escalate":
			args["reason"], args["summary"], args["priority"] = "policy", "secret summary", pick(5)
		case "transfer":
			args["to"] = []map[string]string{
				{"type": "agent", "id": "staff-ben"}, {"type": "agent", "id": "staff-alice"}, {"type": "queue", "id": "returns"},
			}[pick(3)]
			args["kind"], args["note"] = []string{"cold", "warm"}[pick(2)], "secret note"
		case "snooze":
			if pick(2) == 0 {
				args["until"] = b.now.Add(time.Hour)
			}
		}
		raw, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		before := b.state
		caller := who[pick(len(who))]
		d := b.try(caller, method, string(raw))
		b.check(before, caller, d)
	}
	return b
}

// check holds one step against what must hold after every step.
func (b *bench) check(before hub.State, caller hub.Caller, d hub.Decision) {
	b.t.Helper()
	if d.Problem != nil {
		if d.State.Position != before.Position || len(d.State.Entries) != len(before.Entries) {
			b.t.Fatalf("the refusal %v changed the context", d.Problem)
		}
		return
	}
	for key, e := range b.state.Entries {
		if hub.EntryKind(key) == "conversation" {
			b.checkConversation(strings.TrimPrefix(key, "conversation/"), e)
		}
	}
	if d.Commit.Event == nil {
		return
	}
	for _, change := range d.Commit.Event.Changes {
		if change.Doc == nil || hub.EntryKind(change.Key) != "message" {
			continue
		}
		var m care.Message
		if err := json.Unmarshal(change.Doc, &m); err != nil {
			b.t.Fatal(err)
		}
		if m.Private || m.Author.Type == care.AuthorCustomer {
			continue
		}
		thread := strings.Split(change.Key, "/")[1]
		var was care.Conversation
		if err := json.Unmarshal(before.Entries[care.Key(thread)].Doc, &was); err != nil {
			b.t.Fatal(err)
		}
		if was.Owner.ID != m.Author.ID || string(was.Owner.Type) != string(m.Author.Type) || m.Author.ID != caller.ID {
			b.t.Fatalf("%v said %q while %v owned the conversation", m.Author, m.Body, was.Owner)
		}
	}
}

func (b *bench) checkConversation(id string, e hub.Entry) {
	b.t.Helper()
	c := b.conversation(id)
	wantOwner := map[care.Status]care.OwnerType{
		care.StatusBot: care.OwnerBot, care.StatusQueued: care.OwnerNone, care.StatusAssigned: care.OwnerAgent,
		care.StatusSnoozed: care.OwnerAgent, care.StatusWrapUp: care.OwnerAgent, care.StatusResolved: care.OwnerNone,
	}[c.Status]
	switch {
	case c.Owner.Type != wantOwner || (c.Owner.Type == care.OwnerNone) != (c.Owner.ID == ""):
		b.t.Fatalf("%s is %s and owned by %+v", id, c.Status, c.Owner)
	case (c.Status == care.StatusQueued) && c.WaitingSince.IsZero():
		b.t.Fatalf("%s waits since never", id)
	case (c.Status == care.StatusResolved) == c.ReopenUntil.IsZero(), (c.Status == care.StatusWrapUp) == c.WrapUpUntil.IsZero(),
		c.Status != care.StatusSnoozed && !c.SnoozedUntil.IsZero():
		b.t.Fatalf("%s is %s: %s", id, c.Status, e.Doc)
	case len(c.Recent) > care.MaxMessages || len(c.Notes) > care.MaxMessages:
		b.t.Fatalf("%s keeps %d messages and %d notes", id, len(c.Recent), len(c.Notes))
	case strings.Contains(string(e.Doc), "null"):
		b.t.Fatalf("%s holds a null: %s", id, e.Doc)
	}
	messages := 0
	for key := range b.state.Entries {
		if strings.HasPrefix(key, care.MessageKey(id, "")) {
			messages++
		}
	}
	if messages != len(c.Recent)+len(c.Notes) {
		b.t.Fatalf("%s has %d messages and lists %d", id, messages, len(c.Recent)+len(c.Notes))
	}
	for side, seq := range c.Read {
		if seq > c.Seq {
			b.t.Fatalf("%s read up to %d of %d", side, seq, c.Seq)
		}
	}
	switch o := c.Offer; {
	case o == nil:
	case c.Status != care.StatusAssigned:
		b.t.Fatalf("%s is %s and offered", id, c.Status)
	case o.State != care.OfferPending && (o.State != care.OfferAccepted || o.Kind != care.OfferWarm):
		b.t.Fatalf("%s is offered, and the offer is %s", id, o.State)
	case o.From != c.Owner || o.To.ID == c.Owner.ID:
		b.t.Fatalf("%s of %+v is offered by %+v to %+v", id, c.Owner, o.From, o.To)
	}
	pending := c.Offer != nil && c.Offer.State == care.OfferPending
	if timer, ok := b.timers["conversation/"+id+"/offer"]; ok != pending || pending && timer.Due != c.Offer.ExpiresAt.Time {
		b.t.Fatalf("%s has offer %+v and timer %+v", id, c.Offer, timer)
	}
	_, wake := b.timers["conversation/"+id+"/wake"]
	_, wrap := b.timers["conversation/"+id+"/wrap_up"]
	if wake != !c.SnoozedUntil.IsZero() || wrap != (c.Status == care.StatusWrapUp) {
		b.t.Fatalf("%s is %s, with timers to wake %v, to wrap up %v", id, c.Status, wake, wrap)
	}
}

// checkReplay holds, for every audience, filtered events over an empty channel
// against the filtered state, and looks for what may not be seen.
func (b *bench) checkReplay() {
	b.t.Helper()
	const name = hub.Channel("context:c-42")
	for _, a := range audiences {
		role := a.Role
		seen := map[string]json.RawMessage{}
		for i, e := range b.events {
			e := b.sights.Event(a, name, e)
			if e == nil {
				continue
			}
			raw, err := json.Marshal(e)
			if err != nil {
				b.t.Fatal(err)
			}
			b.checkLeak(role, string(raw))
			for _, c := range e.Changes {
				switch {
				case c.Gone:
					delete(seen, c.Key)
				case c.Doc != nil:
					seen[c.Key] = c.Doc
				default:
					if seen[c.Key] == nil {
						b.t.Fatalf("event %d patches %s, which %s never saw", i, c.Key, role)
					}
					seen[c.Key] = hub.Apply(seen[c.Key], c.Patch)
				}
			}
		}
		stands := map[string]json.RawMessage{}
		for key, e := range b.sights.Entries(a, name, b.state.Entries) {
			stands[key] = e.Doc
			b.checkLeak(role, string(e.Doc))
		}
		if diff := cmp.Diff(plain(b.t, stands), plain(b.t, seen)); diff != "" {
			b.t.Fatalf("what %s followed is not what stands: %s", role, diff)
		}
		if n := len(seen); (role == hub.RolePOS || role == hub.RoleGuest) && n > 0 {
			b.t.Fatalf("%s sees %d entries", role, n)
		}
	}
}

func (b *bench) checkLeak(role hub.Role, text string) {
	b.t.Helper()
	switch role {
	case hub.RoleCustomer, hub.RoleBot, hub.RoleGuest, hub.RolePOS:
		for _, secret := range []string{"staff-", "private", "note", "secret summary", "priority", "offer", "consult", "secret note"} {
			if strings.Contains(text, secret) {
				b.t.Fatalf("%s sees %q in %s", role, secret, text)
			}
		}
	}
}

func plain(t reporter, docs map[string]json.RawMessage) map[string]any {
	t.Helper()
	all := map[string]any{}
	for key, doc := range docs {
		var v any
		if err := json.Unmarshal(doc, &v); err != nil {
			t.Fatal(err)
		}
		all[key] = v
	}
	return all
}

var configs = []care.Config{withBot, {}, {WrapUp: -1, Queues: withBot.Queues}}

func TestAnyStoryKeepsTheRules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		config := configs[rapid.IntRange(0, len(configs)-1).Draw(rt, "config")]
		steps := rapid.IntRange(1, 80).Draw(rt, "steps")
		b := wander(rt, config, steps, func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "pick") })
		b.checkReplay()
	})
}

func FuzzReduce(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
	f.Add([]byte("the quick brown fox jumps over the lazy dog, and then it asks where its latte is"))
	f.Fuzz(func(t *testing.T, data []byte) {
		at := 0
		pick := func(n int) int {
			if at >= len(data) {
				return 0
			}
			at++
			return int(data[at-1]) % n
		}
		b := wander(t, configs[pick(len(configs))], min(len(data)/4, 300), pick)
		b.checkReplay()
	})
}

// FuzzArgs throws any arguments at every method: each is accepted or refused
// with a problem, and none is our fault.
func FuzzArgs(f *testing.F) {
	for i, seed := range []string{
		`{"conversation":"v1","text":"x"}`, `{"conversation":null}`, `[]`, `{"conversation":"v1","attachments":{"a":null}}`,
		`{"conversation":"v1","reason":"x","slots":{"a":1}}`, `{"conversation":"v1","until":"never"}`, `{"channel":"web"`, ``,
	} {
		f.Add(byte(i), seed)
	}
	methods := care.Model(care.Config{}).Methods
	f.Fuzz(func(t *testing.T, which byte, args string) {
		b := newBench(t, withBot)
		b.reach([]care.Status{care.StatusBot, care.StatusAssigned, care.StatusResolved}[int(which)%3])
		for _, m := range methods {
			for _, who := range []hub.Caller{customer, alice, service, bot} {
				b.try(who, strings.TrimPrefix(m.Name, "conversation."), args)
			}
		}
		b.checkReplay()
	})
}
