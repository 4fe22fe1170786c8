package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// An agent hands a chat over: cold to a colleague of another queue, then warm.
// The customer sees who has it, and nothing of how that came.
func TestAConversationIsHandedOver(t *testing.T) {
	onBothEngines(t, `{"care":{"transfer_timeout":"6s"}}`, func(t *testing.T, s *shop) {
		agent := func(name, queue string) (string, *socket) {
			claims := token(fmt.Sprintf(`{"sub":"id-%s","role":"agent","name":"Agent %s","queues":[%q]}`, name, name, queue))
			return claims, s.connect(t, claims)
		}
		annaToken, anna := agent("anna", "support")
		benToken, ben := agent("ben", "returns")
		app := s.connect(t, mayaToken)
		app.subscribe(maya)
		anna.subscribe("desk:id-anna")
		ben.subscribe("desk:id-ben")
		v1 := `{"conversation":"v1"}`
		transfer := func(kind string) string {
			return fmt.Sprintf(`{"conversation":"v1","to":{"type":"agent","id":"id-ben"},"kind":%q,"note":"a secret note"}`, kind)
		}
		app.accepted("conversation.open", maya, "m-1", `{"conversation":"v1","channel":"web"}`)
		anna.accepted("conversation.claim", maya, "a-1", v1)
		s.refused("forbidden", benToken, "conversation.accept", maya, v1, "")

		// Nobody answers: it never left.
		anna.accepted("conversation.transfer", maya, "a-2", transfer("cold"))
		eventually(t, "ben sees the offer", func() bool { return ben.shows("desk:id-ben", "offer/v1", "offer|note", "a secret note") })
		s.refused("invalid_transition", annaToken, "conversation.resolve", maya, v1, "")
		eventually(t, "the offer ends by itself", func() bool {
			return ben.gone("desk:id-ben", "offer/v1") && s.entry(maya, "conversation/v1", "last_offer|state") == "timeout"
		})
		s.want(maya, "conversation/v1", "owner|id", "id-anna")

		// Cold: the owner stays until it is accepted.
		anna.accepted("conversation.transfer", maya, "a-3", transfer("cold"))
		anna.accepted("conversation.post", maya, "a-4", `{"conversation":"v1","message":"w1","text":"Ben knows more"}`)
		s.must(benToken, "conversation.accept", maya, v1, "")
		s.refused("not_owner", annaToken, "conversation.post", maya, `{"conversation":"v1","text":"and yet"}`, "")
		eventually(t, "it moves from desk to desk", func() bool {
			return anna.gone("desk:id-anna", "conversation/v1") && ben.shows("desk:id-ben", "conversation/v1", "status", "assigned")
		})

		// Warm, back: anna joins, notes, and is handed the thread.
		s.must(benToken, "conversation.transfer", maya, `{"conversation":"v1","to":{"type":"queue","id":"support"},"kind":"warm"}`, "")
		s.must(annaToken, "conversation.accept", maya, v1, "")
		s.must(annaToken, "conversation.note", maya, `{"conversation":"v1","text":"another secret note"}`, "")
		s.refused("not_owner", annaToken, "conversation.complete_transfer", maya, v1, "")
		s.must(benToken, "conversation.complete_transfer", maya, v1, "")
		anna.accepted("conversation.post", maya, "a-5", `{"conversation":"v1","message":"w2","text":"Back with me"}`)
		eventually(t, "ben may not read it any more", func() bool { return s.call("GET", "/v1/channels/"+maya, benToken, "").status == 403 })

		app.saw(maya, "conversation.transferred")
		eventually(t, "the customer hears anna", func() bool { return app.shows(maya, "message/v1/w2", "author|name", "Agent anna") })
		var types []string
		app.mu.Lock()
		for _, p := range app.pushes {
			if p.Pub == nil {
				continue
			}
			types = append(types, field(p.Pub.Data, "type").(string))
			for _, secret := range []string{"secret", "id-anna", "id-ben", "offer"} {
				if strings.Contains(string(p.Pub.Data), secret) {
					t.Errorf("the customer sees %q in %s", secret, p.Pub.Data)
				}
			}
		}
		app.mu.Unlock()
		if want := "conversation.opened conversation.claimed conversation.message_posted conversation.transferred conversation.transferred conversation.message_posted"; strings.Join(types, " ") != want {
			t.Errorf("the customer sees %v", types)
		}
		past := s.must(mayaToken, "conversation.messages", maya, v1, "")
		if strings.Contains(string(past.body), "secret") || past.field("result|entries|message/v1/w1|doc|body") != "Ben knows more" {
			t.Errorf("the customer's past: %s", past.body)
		}
	})
}

// A bot finds its threads on its desk, also one that comes back to it, and
// hears what is said while a thread is its own.
func TestABotFindsItsThreads(t *testing.T) {
	onBothEngines(t, `{"care":{"queues":{"support":{"bot":"crumb"}}}}`, func(t *testing.T, s *shop) {
		app, bot, anna := s.connect(t, mayaToken), s.connect(t, token(`{"sub":"crumb","role":"bot"}`)), s.connect(t, annaToken)
		bot.subscribe("desk:crumb")
		v1 := `{"conversation":"v1"}`
		app.accepted("conversation.open", maya, "m-1", `{"conversation":"v1","channel":"web"}`)
		app.accepted("conversation.post", maya, "m-2", `{"conversation":"v1","message":"w1","text":"for the bot"}`)
		eventually(t, "the bot is told where to go", func() bool { return bot.shows("desk:crumb", "conversation/v1", "context", "c-42") })
		begin := bot.subscribe(maya)
		if field(begin.Data.Entries["message/v1/w1"].Doc, "body") != "for the bot" {
			t.Errorf("the bot begins with %+v", begin.Data)
		}
		app.accepted("conversation.escalate", maya, "m-3", `{"conversation":"v1","reason":"user_request"}`)
		bot.pushed(maya, "the end", func(p push) bool { return p.Unsubscribe != nil })
		app.accepted("conversation.post", maya, "m-4", `{"conversation":"v1","message":"w2","text":"for a person"}`)
		anna.accepted("conversation.claim", maya, "a-1", v1)
		eventually(t, "it leaves the bot's desk", func() bool { return bot.gone("desk:crumb", "conversation/v1") })
		anna.accepted("conversation.return_to_bot", maya, "a-2", v1)
		eventually(t, "the bot is told that it is back", func() bool { return bot.shows("desk:crumb", "conversation/v1", "context", "c-42") })
		app.accepted("conversation.post", maya, "m-5", `{"conversation":"v1","message":"w3","text":"you again"}`)
		begin = bot.subscribe(maya)
		_, hears := begin.Data.Entries["message/v1/w2"]
		if field(begin.Data.Entries["message/v1/w3"].Doc, "body") != "you again" || hears {
			t.Errorf("back, the bot begins with %+v", begin.Data)
		}
		bot.accepted("conversation.post", maya, "b-1", `{"conversation":"v1","text":"How can I help?"}`)
	})
}
