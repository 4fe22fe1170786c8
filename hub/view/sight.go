package view

import (
	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
)

// Model says who sees what of the views. That a till sees its own store's
// board alone, and an agent the own desk and queues, is the door's check.
// Views have no commands.
func Model() hub.Model {
	all := hub.Sight{}
	staff := map[hub.Role]hub.Sight{hub.RoleAgent: all, hub.RoleSupervisor: all, hub.RoleService: all}
	tickets := map[hub.Role]hub.Sight{hub.RolePOS: all, hub.RoleService: all}
	return hub.Model{
		Sights: []hub.EntrySight{
			{Channel: hub.KindBoard, Entry: entryOrder, Roles: tickets},
			{Channel: hub.KindQueue, Entry: entryConversation, Roles: staff},
			{Channel: hub.KindQueue, Entry: entryOffer, Roles: staff},
			{Channel: hub.KindDesk, Entry: entryConversation, Roles: map[hub.Role]hub.Sight{
				hub.RoleAgent: all, hub.RoleSupervisor: all, hub.RoleService: all,
				hub.RoleBot: {Show: []string{"context", "conversation", "channel", "status", "queue", "owned_at"}},
			}},
			{Channel: hub.KindDesk, Entry: entryOffer, Roles: staff},
			{Channel: hub.KindDesk, Entry: care.LoadKey, Roles: staff},
		},
		Events: map[string]map[hub.Role]hub.Sight{
			"ticket.added":   {hub.RolePOS: all},
			"ticket.changed": {hub.RolePOS: all},
			"ticket.removed": {hub.RolePOS: all},
			"owned.added":    {hub.RoleBot: all}, // that it was returned, for one
		},
		Docs: docs(),
	}
}
