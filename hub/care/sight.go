package care

import (
	"encoding/json"
	"slices"

	"github.com/samepage/samepage/hub"
)

// The labels of messages.
const (
	labelPrivate = "private"
	labelBot     = "bot:" // and its id: it had the thread when this was said
)

// sights say who sees what of conversations. A till sees nothing of them, and a
// bot hears what is said while a thread is its own.
func sights() []hub.EntrySight {
	// Written as what may be seen, so that a new field is hidden until somebody says otherwise.
	outward := []string{
		"channel", "subject", "status", "status_at", "status_by.role", "status_by.name",
		"owner.type", "owner.name", "owned_at", "queue", "waiting_since", "opened_at", "resolved_at", "reopen_until",
		"window_expires_at", "seq", "read",
	}
	own := hub.Sight{Show: append(outward[:len(outward):len(outward)], "address", "last_message")}
	desk := hub.Sight{Hide: []string{"recent", "received", "notes", "note_seq"}, Mask: []string{"address"}} // profile.open tells it
	hidden := []string{"author.id", "external_id", "bot"}
	return []hub.EntrySight{{
		Channel: hub.KindContext, Entry: "conversation",
		Roles: map[hub.Role]hub.Sight{
			hub.RoleCustomer: own, hub.RoleBot: {Show: outward},
			hub.RoleAgent: desk, hub.RoleSupervisor: desk, hub.RoleService: {},
		},
	}, {
		Channel: hub.KindContext, Entry: "message",
		Labels: messageLabels,
		Roles: map[hub.Role]hub.Sight{
			hub.RoleCustomer: {Hide: hidden, If: func(_ hub.Audience, labels []string) bool { return !slices.Contains(labels, labelPrivate) }},
			hub.RoleBot:      {Hide: hidden, If: func(a hub.Audience, labels []string) bool { return slices.Contains(labels, labelBot+a.Bot) }},
			hub.RoleAgent:    {}, hub.RoleSupervisor: {}, hub.RoleService: {},
		},
	}}
}

func messageLabels(doc json.RawMessage) []string {
	var m struct {
		Private bool
		Bot     string
	}
	switch {
	case json.Unmarshal(doc, &m) != nil || m.Private:
		return []string{labelPrivate} // what cannot be read is shown to nobody outside
	case m.Bot != "":
		return []string{labelBot + m.Bot}
	}
	return nil
}

// eventSights say what customers and bots learn from an event besides its changes.
func eventSights() map[string]map[hub.Role]hub.Sight {
	plain := hub.Sight{Show: []string{"conversation", "message", "queue"}}
	bot := hub.Sight{Show: []string{"conversation", "message", "queue", "control"}}
	events := map[string]map[hub.Role]hub.Sight{}
	for _, name := range []string{
		"opened", "message_posted", "read", "delivery_changed", "escalated", "claimed", "taken_over",
		"transferred", "released", "returned_to_bot", "snoozed", "woken", "resolved", "wrapped_up", "reopened",
	} {
		events["conversation."+name] = map[hub.Role]hub.Sight{hub.RoleCustomer: plain, hub.RoleBot: bot}
	}
	return events
}
