package care

import (
	"encoding/json"
	"slices"

	"github.com/samepage/samepage/hub"
)

const labelPrivate = "private"

// sights say who sees what of conversations. A till sees nothing of them.
func sights() []hub.EntrySight {
	// Written as what may be seen, so that a new field is hidden until somebody says otherwise.
	outward := hub.Sight{Show: []string{
		"channel", "address", "subject", "status", "status_at", "status_by.role", "status_by.name",
		"owner.type", "owner.name", "owned_at", "queue", "waiting_since", "opened_at", "resolved_at", "reopen_until",
		"window_expires_at", "seq", "read", "last_message",
	}}
	desk := hub.Sight{Hide: []string{"recent", "notes", "note_seq"}}
	public := hub.Sight{
		If:   func(_ hub.Audience, labels []string) bool { return !slices.Contains(labels, labelPrivate) },
		Hide: []string{"author.id", "external_id"},
	}
	return []hub.EntrySight{{
		Channel: hub.KindContext, Entry: "conversation",
		Roles: map[hub.Role]hub.Sight{
			hub.RoleCustomer: outward, hub.RoleBot: outward,
			hub.RoleAgent: desk, hub.RoleSupervisor: desk, hub.RoleService: {},
		},
	}, {
		Channel: hub.KindContext, Entry: "message",
		Labels: messageLabels,
		Roles: map[hub.Role]hub.Sight{
			hub.RoleCustomer: public, hub.RoleBot: public,
			hub.RoleAgent: {}, hub.RoleSupervisor: {}, hub.RoleService: {},
		},
	}}
}

func messageLabels(doc json.RawMessage) []string {
	var m struct{ Private bool }
	if json.Unmarshal(doc, &m) != nil || m.Private {
		return []string{labelPrivate} // what cannot be read is shown to nobody outside
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
		"released", "returned_to_bot", "snoozed", "woken", "resolved", "wrapped_up", "reopened",
	} {
		events["conversation."+name] = map[hub.Role]hub.Sight{hub.RoleCustomer: plain, hub.RoleBot: bot}
	}
	return events
}
