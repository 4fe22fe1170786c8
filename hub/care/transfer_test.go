package care_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
)

const v1 = `{"conversation":"v1"}`

// offered brings v1 to Alice, who offers it: to is a party as JSON.
func offered(t *testing.T, kind, to string) *bench {
	t.Helper()
	b := newBench(t, withBot)
	b.reach(care.StatusAssigned)
	b.do(alice, "transfer", `{"conversation":"v1","to":`+to+`,"kind":"`+kind+`","note":"knows the machine"}`)
	return b
}

const (
	toBen     = `{"type":"agent","id":"staff-ben"}`
	toReturns = `{"type":"queue","id":"returns"}`
)

// want holds a step's outcome.
func (b *bench) want(want string, who hub.Caller, method, args string) *hub.Problem {
	b.t.Helper()
	d := b.try(who, method, args)
	if got := b.outcome(d); got != want {
		b.t.Fatalf("%s by %s: %s, want %s", method, who.ID, got, want)
	}
	return d.Problem
}

// detail is a problem's detail as JSON.
func detail(t *testing.T, p *hub.Problem, name string) string {
	t.Helper()
	raw, err := json.Marshal(p.Details)
	if err != nil {
		t.Fatal(err)
	}
	var details map[string]json.RawMessage
	if err := json.Unmarshal(raw, &details); err != nil {
		t.Fatal(err)
	}
	return string(details[name])
}

func TestColdTransfer(t *testing.T) {
	t.Run("the owner stays until the offer is accepted", func(t *testing.T) {
		b := offered(t, "cold", toBen)
		b.want("assigned staff-alice", alice, "post", `{"conversation":"v1","text":"a colleague takes over"}`)
		b.want("not_owner", ben, "post", `{"conversation":"v1","text":"hi"}`)
		since := b.conversation("v1").WaitingSince
		e := b.do(ben, "accept", v1)
		c := b.conversation("v1")
		if e.Type != "conversation.transferred" || c.Owner.ID != ben.ID || c.Owner.Name != "Ben" || c.Offer != nil || c.WaitingSince != since || c.LastOwner.ID != alice.ID {
			t.Errorf("%s: %+v", e.Type, c)
		}
		b.want("not_owner", alice, "post", `{"conversation":"v1","text":"one more thing"}`)
		b.want("same", ben, "accept", v1)
		if p := b.want("already_claimed", alice, "accept", v1); detail(t, p, "owner") != `{"type":"agent","id":"staff-ben","name":"Ben"}` || detail(t, p, "at") == "" {
			t.Errorf("details %v", p.Details)
		}
	})
	t.Run("only the one it is made to may answer", func(t *testing.T) {
		b := offered(t, "cold", toBen)
		for _, who := range []hub.Caller{alice, stranger, supervisor} {
			for _, method := range []string{"accept", "decline"} {
				if p := b.want("not_your_offer", who, method, v1); detail(t, p, "to") != toBen {
					t.Errorf("details %v", p.Details)
				}
			}
		}
	})
	t.Run("declined, it never left", func(t *testing.T) {
		b := offered(t, "cold", toBen)
		b.want("assigned staff-alice", ben, "decline", `{"conversation":"v1","reason":"lunch"}`)
		if c := b.conversation("v1"); c.Offer != nil || c.LastOffer.State != care.OfferRejected || len(b.timers) != 0 {
			t.Errorf("%+v, timers %v", c, b.timers)
		}
		if p := b.want("offer_expired", ben, "accept", v1); detail(t, p, "state") != `"rejected"` {
			t.Errorf("details %v", p.Details)
		}
	})
	t.Run("unanswered for 60 seconds, it never left", func(t *testing.T) {
		b := offered(t, "cold", toBen)
		b.wait(time.Minute)
		if p := b.want("offer_expired", ben, "accept", v1); detail(t, p, "state") != `"timeout"` { // the timer is late
			t.Errorf("details %v", p.Details)
		}
		b.fire()
		if c := b.conversation("v1"); c.Owner.ID != alice.ID || c.Offer != nil || c.LastOffer.State != care.OfferTimeout {
			t.Errorf("%+v", c)
		}
		b.want("offer_expired", ben, "decline", v1)
	})
	t.Run("a new offer takes the place of the old one", func(t *testing.T) {
		b := offered(t, "cold", toBen)
		old := b.conversation("v1").Offer.ID
		b.wait(30 * time.Second)
		b.do(alice, "transfer", `{"conversation":"v1","to":`+toReturns+`,"kind":"cold"}`)
		b.want("not_your_offer", ben, "accept", v1)
		if p := b.want("offer_expired", ben, "accept", `{"conversation":"v1","offer":"`+old+`"}`); detail(t, p, "state") != `"rescinded"` {
			t.Errorf("details %v", p.Details)
		}
		b.wait(30 * time.Second)
		b.want("same", system, "expire_offer", `{"conversation":"v1","offer":"`+old+`"}`)
		b.fire()
		b.want("assigned staff-stu", stranger, "accept", v1)
	})
	t.Run("a queue's offer goes to the first of it, and the thread with it", func(t *testing.T) {
		b := offered(t, "cold", toReturns)
		b.want("not_your_offer", ben, "accept", v1)
		b.want("assigned staff-stu", stranger, "accept", v1)
		other := hub.Caller{Actor: hub.Actor{Role: hub.RoleAgent, ID: "staff-rae"}, Queues: []string{"returns"}}
		b.want("already_claimed", other, "accept", v1)
		if c := b.conversation("v1"); c.Queue != "returns" || c.Owner.ID != stranger.ID {
			t.Errorf("%+v", c)
		}
	})
	t.Run("it can neither end nor be put aside meanwhile", func(t *testing.T) {
		b := offered(t, "cold", toBen)
		for _, method := range []string{"resolve", "snooze"} {
			checkTransitionDetails(t, b.want("invalid_transition", alice, method, v1), care.StatusAssigned)
		}
		b.want("assigned staff-alice", ben, "decline", v1)
		b.want("wrapup staff-alice", alice, "resolve", v1)
	})
	t.Run("an owner who leaves leaves it to the queue that was asked", func(t *testing.T) {
		b := offered(t, "cold", toReturns)
		b.want("queued", alice, "release", v1)
		if c := b.conversation("v1"); c.Queue != "returns" || c.Offer != nil || c.LastOffer.State != care.OfferRescinded || len(b.timers) != 0 {
			t.Errorf("%+v, timers %v", c, b.timers)
		}
		b = offered(t, "cold", toBen)
		b.want("queued", alice, "release", v1)
		if got := b.conversation("v1").Queue; got != "support" {
			t.Errorf("it waits in %s", got)
		}
	})
	t.Run("a supervisor who takes over ends the offer", func(t *testing.T) {
		b := offered(t, "cold", toBen)
		b.want("assigned staff-sue", supervisor, "take_over", v1)
		b.want("offer_expired", ben, "accept", v1)
	})
	t.Run("a full desk cannot accept", func(t *testing.T) {
		for load, want := range map[string]string{
			`{"assigned":4,"snoozed":0,"wrapup":0,"offered":1}`: "agent_at_capacity",
			`{"assigned":3,"snoozed":9,"wrapup":0,"offered":1}`: "assigned staff-ben", // the offer keeps its place
		} {
			b := offered(t, "cold", toBen)
			b.refs = map[hub.Channel]hub.State{"desk:staff-ben": {Entries: map[string]hub.Entry{care.LoadKey: {Version: 1, Doc: json.RawMessage(load)}}}}
			b.want(want, ben, "accept", v1)
		}
	})
	t.Run("what cannot be offered", func(t *testing.T) {
		b := newBench(t, withBot)
		b.reach(care.StatusAssigned)
		for _, to := range []string{
			`{"type":"agent","id":"staff-alice"}`, `{"type":"queue","id":"nope"}`, `{"type":"bot","id":"helper"}`, `{"type":"agent","id":""}`, `{"type":"agent","id":"x","name":"X"}`,
		} {
			b.want("invalid", alice, "transfer", `{"conversation":"v1","to":`+to+`,"kind":"cold"}`)
		}
		b.want("invalid", alice, "transfer", `{"conversation":"v1","to":`+toBen+`,"kind":"hot"}`)
	})
}

func TestWarmTransfer(t *testing.T) {
	b := offered(t, "warm", toBen)
	b.want("invalid_transition", alice, "complete_transfer", v1)
	b.want("not_your_offer", stranger, "accept", v1)
	b.want("assigned staff-alice", ben, "accept", v1)
	b.want("same", ben, "accept", v1)
	if o := b.conversation("v1").Offer; o.State != care.OfferAccepted || o.To.Name != "Ben" || !o.ExpiresAt.IsZero() || len(b.timers) != 0 {
		t.Errorf("%+v, timers %v", o, b.timers)
	}
	b.want("not_owner", ben, "post", `{"conversation":"v1","text":"hi"}`)
	b.want("assigned staff-alice", ben, "note", `{"conversation":"v1","text":"I can take it"}`)
	b.want("not_owner", ben, "complete_transfer", v1)
	b.want("assigned staff-ben", alice, "complete_transfer", v1)
	b.want("assigned staff-ben", ben, "post", `{"conversation":"v1","text":"hi"}`)
	b.want("invalid_transition", ben, "complete_transfer", v1)

	t.Run("a consult of another queue notes, and leaves", func(t *testing.T) {
		b := offered(t, "warm", toReturns)
		b.want("forbidden", stranger, "note", `{"conversation":"v1","text":"hm"}`)
		b.want("assigned staff-alice", stranger, "accept", v1)
		b.want("assigned staff-alice", stranger, "note", `{"conversation":"v1","text":"hm"}`)
		b.want("assigned staff-alice", stranger, "decline", v1)
		b.want("forbidden", stranger, "note", `{"conversation":"v1","text":"hm"}`)
		b.want("invalid_transition", alice, "complete_transfer", v1)
		if c := b.conversation("v1"); c.Queue != "support" {
			t.Errorf("it belongs to %s", c.Queue)
		}
	})
	t.Run("complete, the thread belongs to the queue that was asked", func(t *testing.T) {
		b := offered(t, "warm", toReturns)
		b.want("assigned staff-alice", stranger, "accept", v1)
		b.want("assigned staff-stu", alice, "complete_transfer", v1)
		if c := b.conversation("v1"); c.Queue != "returns" {
			t.Errorf("it belongs to %s", c.Queue)
		}
	})
	t.Run("a resolve ends the consult", func(t *testing.T) {
		b := offered(t, "warm", toBen)
		b.want("assigned staff-alice", ben, "accept", v1)
		b.want("wrapup staff-alice", alice, "resolve", v1)
		if c := b.conversation("v1"); c.Offer != nil || c.LastOffer.State != care.OfferCanceled {
			t.Errorf("%+v", c)
		}
	})
}

// A customer and a bot learn that the thread has another owner, and nothing before.
func TestOffersAreForStaff(t *testing.T) {
	b := offered(t, "warm", toBen)
	b.do(ben, "accept", v1)
	b.do(ben, "decline", v1)
	b.do(alice, "transfer", `{"conversation":"v1","to":`+toBen+`}`)
	b.wait(time.Minute)
	b.fire()
	before := len(b.events)
	b.do(alice, "transfer", `{"conversation":"v1","to":`+toBen+`}`)
	b.do(ben, "accept", v1)
	for _, role := range []hub.Role{hub.RoleCustomer, hub.RoleBot} {
		var seen []string
		for _, e := range b.events[4:] {
			if e := b.sights.Event(hub.Audience{Role: role, Bot: "helper"}, "context:c-42", e); e != nil {
				seen = append(seen, e.Type)
			}
		}
		if len(seen) != 1 || seen[0] != "conversation.transferred" {
			t.Errorf("%s sees %v of %d events", role, seen, len(b.events)-before)
		}
	}
	b.checkReplay()
}
