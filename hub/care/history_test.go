package care_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/enginetest"
)

// archive is a hub with one long thread: v1 of c-42.
type archive struct {
	t   *testing.T
	hub *hub.Hub
	n   int
}

func (a *archive) try(who hub.Caller, method, args string) hub.Answer {
	a.t.Helper()
	a.n++
	return a.hub.Do(a.t.Context(), hub.Command{
		Method: "conversation." + method, ID: fmt.Sprint("cmd-", a.n), On: "context:c-42", Args: json.RawMessage(args), Caller: who,
	})
}

func (a *archive) do(who hub.Caller, method, args string) hub.Answer {
	a.t.Helper()
	answer := a.try(who, method, args)
	if answer.Problem != nil {
		a.t.Fatalf("%s %s: %v %v", method, args, answer.Problem, answer.Problem.Details)
	}
	return answer
}

// pages reads the whole thread, the newest page first, and returns what it has
// in the order of the thread.
func (a *archive) pages(who hub.Caller, limit int) (ids []string, docs map[string]care.Message) {
	a.t.Helper()
	docs, before := map[string]care.Message{}, ""
	for {
		args := fmt.Sprintf(`{"conversation":"v1","limit":%d}`, limit)
		if before != "" {
			args = fmt.Sprintf(`{"conversation":"v1","limit":%d,"before":%q}`, limit, before)
		}
		page := a.do(who, "messages", args).Result.(care.Messages)
		if len(page.Entries) > limit || page.More && len(page.Entries) < limit {
			a.t.Fatalf("a page of %d has %d, and more: %v", limit, len(page.Entries), page.More)
		}
		var of []string
		for key, e := range page.Entries {
			id := strings.TrimPrefix(key, "message/v1/")
			if _, twice := docs[id]; twice {
				a.t.Fatalf("%s is in two pages", id)
			}
			var m care.Message
			if err := json.Unmarshal(e.Doc, &m); err != nil {
				a.t.Fatal(err)
			}
			docs[id] = m
			of = append(of, id)
		}
		slices.SortFunc(of, func(x, y string) int {
			return cmp.Or(docs[x].SentAt.Compare(docs[y].SentAt.Time), cmp.Compare(docs[x].Seq, docs[y].Seq))
		})
		ids = append(of, ids...)
		if !page.More {
			return ids, docs
		}
		before = page.Oldest
	}
}

func TestThePastOfAThreadIsPaged(t *testing.T) {
	engine := enginetest.NewModel(enginetest.ModelOptions{})
	defer engine.Close()
	a := &archive{t: t, hub: hub.New(engine, hub.Options{}, care.Model(withBot))}
	a.do(customer, "open", `{"conversation":"v0","channel":"web"}`)
	a.do(customer, "post", `{"conversation":"v0","message":"elsewhere","text":"of another thread"}`)
	a.do(customer, "open", `{"conversation":"v1","channel":"web"}`)
	for n := range 10 {
		a.do(customer, "post", fmt.Sprintf(`{"conversation":"v1","message":"b%d","text":"for the bot"}`, n))
	}
	a.do(bot, "escalate", `{"conversation":"v1","reason":"user_request"}`)
	a.do(alice, "claim", `{"conversation":"v1"}`)
	for n := range 60 {
		a.do(customer, "post", fmt.Sprintf(`{"conversation":"v1","message":"c%d","text":"q"}`, n))
		a.do(alice, "post", fmt.Sprintf(`{"conversation":"v1","message":"a%d","text":"a"}`, n))
		a.do(alice, "note", fmt.Sprintf(`{"conversation":"v1","message":"n%d","text":"hm"}`, n))
		a.do(service, "delivery", fmt.Sprintf(`{"conversation":"v1","message":"a%d","state":"delivered"}`, n))
	}
	for _, limit := range []int{7, 50, 100} {
		for name, tt := range map[string]struct {
			who  hub.Caller
			want int
		}{
			"the customer": {customer, 130}, "an agent": {alice, 190}, "a service": {service, 190},
			"the bot that had it": {bot, 10}, "another bot": {otherBot, 0},
		} {
			ids, docs := a.pages(tt.who, limit)
			if len(ids) != tt.want {
				t.Errorf("%s reads %d messages in pages of %d, want %d", name, len(ids), limit, tt.want)
			}
			for id, m := range docs {
				if tt.who.Role == hub.RoleCustomer && (m.Private || m.Author.ID != "") {
					t.Errorf("the customer reads %+v", m)
				}
				if id[0] == 'a' && m.Delivery != care.DeliveryDelivered {
					t.Errorf("%s is %s", id, m.Delivery)
				}
			}
		}
	}
	ids, _ := a.pages(customer, 50)
	for n := range 10 {
		if ids[n] != fmt.Sprintf("b%d", n) {
			t.Fatalf("the thread begins with %v", ids[:10])
		}
	}
	for args, code := range map[string]string{
		`{"conversation":"v1","before":"nope"}`: hub.CodeNotFound,
		`{"conversation":"v9"}`:                 hub.CodeNotFound,
		`{"conversation":"v1","before":"n3"}`:   hub.CodeNotFound, // a customer does not learn that there is such a note
		`{"conversation":"v1","before":"n59"}`:  hub.CodeNotFound,
		`{"conversation":"v1","limit":101}`:     hub.CodeInvalid,
	} {
		if p := a.try(customer, "messages", args).Problem; p == nil || p.Code != code {
			t.Errorf("%s: %v, want %s", args, p, code)
		}
	}
	if p := a.try(till, "messages", `{"conversation":"v1"}`).Problem; p == nil || p.Code != hub.CodeForbidden {
		t.Errorf("a till: %v", p)
	}
}
