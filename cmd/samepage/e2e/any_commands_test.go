package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/samepage/samepage/hub"
)

// days is how many random days a shop has: each is one check of rapid.
const days = "4"

// Several touchpoints send any commands at once, over sockets and HTTP, some of
// them twice and some late; lines are cut, and on some days a node is killed.
// Afterwards all that the past shows from outside is held against the
// invariants.
func TestAnyCommandsKeepTheInvariants(t *testing.T) {
	onBothEngines(t, `{"commerce":{"late":"300ms","abandon":"400ms"}}`, func(t *testing.T, s *shop) {
		n, happened := 0, map[string]int{}
		rapid.Check(t, func(rt *rapid.T) {
			n++
			d := openDay(t, s, n)
			d.happened = happened
			d.live(errands(rapid.Uint64().Draw(rt, "seed")), rapid.Bool().Draw(rt, "a node is killed"))
			for _, fault := range d.wrong {
				rt.Error(fault)
			}
		})
		for _, kind := range []string{"order.placed", "order.imported", "order.sale_replayed", "fulfilment.started", "conversation.claimed", "stock.shortfall"} {
			if happened[kind] == 0 {
				t.Errorf("no day came to %s: %v", kind, happened)
			}
		}
	})
}

// errand is what somebody does: who, and three bytes that say what.
type errand struct{ Who, Op, A, B byte }

// errands are those of one day. They are drawn evenly: what rapid would make of
// them is mostly small, and what is done at once cannot be made smaller anyway.
func errands(seed uint64) []errand {
	r := rand.New(rand.NewPCG(seed, 8))
	all := make([]errand, 200)
	for i := range all {
		all[i] = errand{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}
	}
	return all
}

// day is a store and two customers of its own.
type day struct {
	*shop
	store    string
	contexts []string
	touch    []*touchpoint
	devices  []*device
	happened map[string]int // events of all days

	mu    sync.Mutex // guards the following field while devices listen
	wrong faults
}

// touchpoint is somebody with a device.
type touchpoint struct {
	*day
	name, token string
	role        role
	contexts    []string // they may be about
	line        *line    // nil: by HTTP
	sent        []sending
}

// sending is a command and how it was answered.
type sending struct {
	id, method, on, args, versions string
	answer                         answer
}

func openDay(t *testing.T, s *shop, n int) *day {
	t.Helper()
	store := fmt.Sprintf("s-%d", n)
	d := &day{shop: s, store: store, contexts: []string{fmt.Sprintf("context:c-%d-a", n), fmt.Sprintf("context:c-%d-b", n)}}
	one, both := d.contexts[:1], d.contexts
	till := func(name string) string {
		return token(fmt.Sprintf(`{"sub":%q,"role":"pos","store":%q,"device":"d-1"}`, name, store))
	}
	d.touch = []*touchpoint{
		{name: "phone", token: customer(one[0]), role: hub.RoleCustomer, contexts: one, line: &line{}},
		{name: "laptop", token: customer(one[0]), role: hub.RoleCustomer, contexts: one},
		{name: "other", token: customer(both[1]), role: hub.RoleCustomer, contexts: both[1:], line: &line{}},
		{name: "till", token: till("till-1"), role: hub.RolePOS, contexts: both, line: &line{}},
		{name: "back", token: till("till-2"), role: hub.RolePOS, contexts: both},
		{name: "anna", token: annaToken, role: hub.RoleAgent, contexts: both},
		{name: "ben", token: benToken, role: hub.RoleAgent, contexts: both, line: &line{}},
		{name: "backend", role: hub.RoleService, contexts: both},
	}
	for _, p := range d.touch {
		p.day = d
	}
	s.backend("stock.count", "store:"+store, `{"sku":"latte","on_hand":30}`)
	s.backend("stock.count", "store:"+store, `{"sku":"x","on_hand":3}`)
	for i, on := range both {
		s.backend("loyalty.adjust", on, `{"points":100,"reason":"welcome"}`)
		s.must(customer(on), "profile.set_consent", on, `{"type":"marketing","status":"grant"}`, "")
		s.must(customer(on), "conversation.open", on, `{"conversation":"v1","channel":"web","queue":"support"}`, "")
		foreign := strings.TrimPrefix(both[1-i], "context:")
		for range 2 {
			d.follow(on, customer(on), hub.RoleCustomer, foreign)
		}
		d.follow(on, token(`{"sub":"back-office","role":"service"}`), hub.RoleService)
	}
	d.follow("store:"+store, customer(one[0]), hub.RoleCustomer, strings.TrimPrefix(both[1], "context:"))
	d.follow("board:"+store, till("till-1"), hub.RolePOS)
	return d
}

// follow has a device on a channel, which may not be told what is foreign to it.
func (d *day) follow(channel, token string, who role, foreign ...string) {
	d.devices = append(d.devices, &device{
		t: d.t, channel: channel, token: token, saw: func(string) {},
		nodes: func() []string { return []string{d.node().url} },
		heard: func(frame []byte) {
			d.mu.Lock()
			defer d.mu.Unlock()
			mayHear(who, string(frame), foreign, &d.wrong)
		},
	})
}

// live is the day: everybody does their errands, in their order and all at once.
func (d *day) live(errands []errand, kill bool) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var watching, working sync.WaitGroup
	defer watching.Wait()
	defer cancel() // if it ends early
	for _, dev := range d.devices {
		watching.Go(func() { dev.run(ctx) })
	}
	for i, p := range d.touch {
		working.Go(func() {
			for n, e := range errands {
				if int(e.Who)%len(d.touch) == i {
					p.do(fmt.Sprintf("%s-%s-%d", d.store, p.name, n), e)
				}
			}
			p.line.cut()
		})
	}
	if kill {
		d.crash()
	}
	working.Wait()
	channels := append(slices.Clone(d.contexts), "store:"+d.store)
	d.quiet(channels)
	for _, dev := range d.devices {
		d.agrees(dev)
	}
	cancel()
	watching.Wait()

	// The whole of everybody's outbox again changes nothing: each id has one effect, or none.
	for _, p := range d.touch {
		for _, c := range p.sent {
			if !final(c.answer) {
				continue
			}
			if again := p.ask(c); code(again) != code(c.answer) {
				d.wrong.add("%s %s was answered %s and then %s", c.method, c.id, c.answer.body, again.body)
			}
		}
	}
	imported := 0
	for _, channel := range channels {
		h := d.history(channel)
		h.check(&d.wrong)
		d.outcomes(h)
		for _, e := range h.events {
			d.happened[e.Type]++
			if e.Type == "order.imported" {
				imported++
			}
		}
	}
	if imported > 1 {
		d.wrong.add("a marketplace's order is %d orders", imported)
	}
}

// quiet waits until timers have run and nothing moves any more.
func (d *day) quiet(channels []string) {
	d.t.Helper()
	last := []string{}
	eventually(d.t, "it becomes quiet", func() bool {
		time.Sleep(900 * time.Millisecond) // more than any timer of this shop takes
		now := d.positions(channels)
		same := slices.Equal(now, last)
		last = now
		return same
	})
}

// outcomes holds what was answered on a channel against its log.
func (d *day) outcomes(h history) {
	causes := map[string]bool{}
	for _, e := range h.events {
		causes[e.Cause] = true
	}
	for _, p := range d.touch {
		for _, c := range p.sent {
			on := c.on
			if elsewhere, ok := c.answer.field("on").(string); ok {
				on = elsewhere
			}
			switch {
			case on != h.channel:
			case c.answer.field("event") != nil && !causes[c.id]:
				d.wrong.add("%s: %s %s was accepted and is not in the log", on, c.method, c.id)
			case code(c.answer) != "" && final(c.answer) && causes[c.id]:
				d.wrong.add("%s: %s %s was answered %s and is in the log", on, c.method, c.id, c.answer.body)
			}
		}
	}
}

// agrees waits until a device holds what its owner may see.
func (d *day) agrees(dev *device) {
	d.t.Helper()
	var want, got map[string]string
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		want = d.documents(d.t, dev.channel, dev.token)
		if _, got = dev.holds(); maps.Equal(want, got) {
			return
		}
		if time.Now().After(deadline) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.wrong.add("%s: a device holds\n%v\nand should hold\n%v", dev.channel, got, want)
			return
		}
	}
}

// final reports whether an answer stays what it is, however often one asks.
func final(a answer) bool {
	switch code(a) {
	case "forbidden", "invalid", "too_large", "unavailable", "rate_limited", "bad_request":
		return false
	}
	return true
}

// code is the problem of an answer, "" if it was accepted.
func code(a answer) string {
	for _, path := range []string{"code", "problem|code"} {
		if c, ok := a.field(path).(string); ok {
			return c
		}
	}
	return ""
}

// ask sends a command until it is known what became of it.
func (p *touchpoint) ask(c sending) answer {
	body := fmt.Sprintf(`{"id":%q,"on":%q,"args":%s,"if_version":%s}`, c.id, c.on, c.args, c.versions)
	for deadline := time.Now().Add(2 * patience); ; time.Sleep(30 * time.Millisecond) {
		var a answer
		var err error
		if p.line != nil {
			a, err = p.line.rpc(p.node().url, p.token, c.method, body)
		} else {
			a, err = over(http.MethodPost, p.node().url+"/v1/commands/"+c.method, p.token, body)
		}
		if err == nil && code(a) != "unavailable" {
			return a
		}
		if time.Now().After(deadline) {
			p.t.Errorf("%s %s could not be settled: %s %v", c.method, c.id, a.body, err)
			return a
		}
	}
}

// do sends what an errand is, sometimes twice, and sometimes something old again.
func (p *touchpoint) do(id string, e errand) {
	method, on, args, versions := p.command(e)
	if method == "" {
		return
	}
	c := sending{id: id, method: method, on: on, args: args, versions: versions}
	c.answer = p.ask(c)
	p.sent = append(p.sent, c)
	if old := p.sent[int(e.B)%len(p.sent)]; e.A%4 == 0 && final(old.answer) {
		p.line.cut()
		if again := p.ask(old); code(again) != code(old.answer) {
			p.t.Errorf("%s %s was answered %s and then %s", old.method, old.id, old.answer.body, again.body)
		}
	}
}
