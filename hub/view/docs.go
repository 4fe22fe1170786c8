package view

import (
	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
)

// docs describes the entries and events of views.
func docs() hub.Docs {
	return hub.Docs{
		Entries: []hub.EntryDoc{
			hub.EntryOf[Ticket](hub.KindBoard, entryOrder, "order/ID", "A ticket: what one store has to do for one order."),
			hub.EntryOf[Waiting](hub.KindQueue, entryConversation, "conversation/ID", "A conversation that waits for an agent."),
			hub.EntryOf[Owned](hub.KindDesk, entryConversation, "conversation/ID", "A conversation that the agent has. Of a bot's desk it says where to go, and no more."),
			hub.EntryOf[Offered](hub.KindDesk, entryOffer, "offer/ID", "A conversation that is offered to the agent, or that the agent has joined as a consult."),
			hub.EntryOf[Offered](hub.KindQueue, entryOffer, "offer/ID", "A conversation that is offered to whoever of the queue is first; its owner has it until then."),
			hub.EntryOf[care.Load](hub.KindDesk, care.LoadKey, care.LoadKey, "How many conversations the agent has."),
		},
		Events: []hub.EventDoc{
			{Type: "ticket.added", Summary: "A ticket came onto the board."},
			{Type: "ticket.changed", Summary: "A ticket changed."},
			{Type: "ticket.removed", Summary: "A ticket left the board."},
			{Type: "waiting.added", Summary: "A conversation came into the queue."},
			{Type: "waiting.changed", Summary: "A waiting conversation changed."},
			{Type: "waiting.removed", Summary: "A conversation left the queue."},
			{Type: "offer.added", Summary: "A conversation is offered."},
			{Type: "offer.changed", Summary: "An offered conversation, or its offer, changed."},
			{Type: "offer.removed", Summary: "The offer was answered, or does not stand any more."},
			{Type: "owned.added", Summary: "A conversation came onto the desk."},
			{Type: "owned.changed", Summary: "A conversation on the desk changed."},
			{Type: "owned.removed", Summary: "A conversation left the desk."},
		},
	}
}
