package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Scenario 7, the half of it without routing. A chat waits and two agents
// claim it at once, while the bot that had it is still talking.
func TestScenario7EscalationRace(t *testing.T) {
	onBothEngines(t, `{"care":{"queues":{"support":{"bot":"crumb","bot_name":"Crumb"}}}}`, scenario7EscalationRace)
}

func scenario7EscalationRace(t *testing.T, s *shop) {
	names := []string{"anna", "ben"}
	tokens := make([]string, len(names))
	agents := make([]*socket, len(names))
	for i, name := range names {
		tokens[i] = token(fmt.Sprintf(`{"sub":%q,"role":"agent","name":"Agent %s","queues":["support"],"capacity":50}`, name, strings.ToUpper(name)))
		agents[i] = s.connect(t, tokens[i])
	}
	crumb := token(`{"sub":"crumb","role":"bot","name":"Crumb"}`)
	say := `{"conversation":"v1","text":"I am a bot"}`

	won := map[string]int{}
	for run := range raceRuns() {
		id := fmt.Sprintf("guest-%d", run)
		on, customer := "context:"+id, token(fmt.Sprintf(`{"sub":%q,"role":"customer"}`, id))
		app := s.connect(t, customer)
		app.subscribe(on)
		app.accepted("conversation.open", on, "open", `{"conversation":"v1","channel":"web"}`)
		s.must(crumb, "conversation.post", on, say, "")
		app.accepted("conversation.escalate", on, "escalate", `{"conversation":"v1","reason":"user_request","summary":"wants a person"}`)

		answers := make([]answer, len(agents))
		var fromBot answer
		var race sync.WaitGroup
		for i, agent := range agents {
			race.Go(func() {
				answers[i] = agent.command("conversation.claim", on, fmt.Sprintf("claim-%d-%s", run, names[i]), `{"conversation":"v1"}`)
			})
		}
		race.Go(func() { fromBot = s.as(crumb, "conversation.post", on, say, "") })
		race.Wait()

		win := 0
		if answers[0].field("problem") != nil {
			win = 1
		}
		lose := 1 - win
		won[names[win]]++
		if p := answers[win].field("problem"); p != nil {
			t.Fatalf("run %d: nobody won: %s, %s", run, answers[0].body, answers[1].body)
		}
		owned := s.entry(on, "conversation/v1", "owned_at")
		lost := answers[lose]
		if lost.field("problem|code") != "already_claimed" || lost.field("problem|details|owner|id") != names[win] || lost.field("problem|details|at") != owned || owned == nil {
			t.Errorf("run %d: the one who lost is told %s; owned since %v", run, lost.body, owned)
		}
		s.want(on, "conversation/v1", "owner|id", names[win])
		if fromBot.field("code") != "not_owner" {
			t.Errorf("run %d: the bot, out, is answered %d %s", run, fromBot.status, fromBot.body)
		}

		// The customer sees one agent join, by the name alone; the queue and the other's desk are clear.
		hello := fmt.Sprintf("hello-%d", run)
		agents[win].accepted("conversation.post", on, hello, `{"conversation":"v1","text":"Hello!"}`)
		joined, greeted := 0, false
		eventually(t, "the customer is greeted", func() bool {
			joined = 0
			for _, e := range app.events(on) {
				greeted = greeted || e.Cause == hello
				if e.Type == "conversation.claimed" {
					joined++
				}
			}
			return greeted
		})
		if joined != 1 {
			t.Errorf("run %d: the customer sees %d join", run, joined)
		}
		if sees := string(s.call("GET", "/v1/channels/"+on, customer, "").body); strings.Contains(sees, `"`+names[win]+`"`) || !strings.Contains(sees, "Agent "+strings.ToUpper(names[win])) {
			t.Errorf("run %d: the customer sees %s", run, sees)
		}
		shows := func(channel, auth string) bool {
			return strings.Contains(string(s.call("GET", "/v1/channels/"+channel, auth, "").body), `"context":"`+id+`"`)
		}
		eventually(t, "the chat stands at one place", func() bool {
			return !shows("queue:support", tokens[lose]) && !shows("desk:"+names[lose], tokens[lose]) && shows("desk:"+names[win], tokens[win])
		})
		agents[win].accepted("conversation.resolve", on, fmt.Sprintf("resolve-%d", run), `{"conversation":"v1"}`)
		agents[win].accepted("conversation.wrap_up", on, fmt.Sprintf("wrap-%d", run), `{"conversation":"v1"}`)
		app.drop()
	}
	t.Logf("won: %v", won)
}
