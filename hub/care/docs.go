package care

import (
	"time"

	"github.com/samepage/samepage/hub"
)

// docs describes the commands, entries, events and problems of conversations.
// The rows of methods are one story: their examples run in this order.
func docs() hub.Docs {
	return hub.Docs{
		Methods: append(talkDocs(), handoffDocs()...),
		Entries: []hub.EntryDoc{
			hub.EntryOf[Conversation](hub.KindContext, "conversation", "conversation/ID", "A thread on one channel: where it stands, whose it is and what is known of it."),
			hub.EntryOf[Message](hub.KindContext, "message", "message/CONVERSATION/ID", "One message, or one private note. The latest 50 of each are here; conversation.messages tells older ones."),
		},
		Events: []hub.EventDoc{
			{Type: "conversation.opened", Summary: "A conversation began."},
			{Type: "conversation.message_posted", Summary: "Somebody said something in public."},
			{Type: "conversation.noted", Summary: "A member of staff noted something that customers do not see."},
			{Type: "conversation.read", Summary: "A side has read further."},
			{Type: "conversation.delivery_changed", Summary: "A message got further on its way, or failed."},
			{Type: "conversation.escalated", Summary: "The bot is out; the conversation waits for an agent."},
			{Type: "conversation.claimed", Summary: "An agent took a waiting conversation."},
			{Type: "conversation.taken_over", Summary: "A supervisor took what another had."},
			{Type: "conversation.offered", Summary: "The owner offered it to another agent, or to a queue."},
			{Type: "conversation.consult_joined", Summary: "An agent joined as a consult: reads all, notes, and does not speak."},
			{Type: "conversation.offer_declined", Summary: "The offer was turned down, or the consult left. The owner still has it."},
			{Type: "conversation.offer_expired", Summary: "Nobody answered the offer. The owner still has it."},
			{Type: "conversation.transferred", Summary: "It has another owner, who took the offer."},
			{Type: "conversation.released", Summary: "The agent put it back into its queue, at the place it had."},
			{Type: "conversation.returned_to_bot", Summary: "A bot has it again."},
			{Type: "conversation.snoozed", Summary: "It was put aside."},
			{Type: "conversation.woken", Summary: "The time it was put aside for is over."},
			{Type: "conversation.resolved", Summary: "It is done; the agent may finish up."},
			{Type: "conversation.wrapped_up", Summary: "The agent has finished up."},
			{Type: "conversation.reopened", Summary: "A resolved conversation waits again."},
		},
		Problems: []hub.ProblemDoc{
			{Code: CodeAlreadyClaimed, Summary: "Another agent has the conversation. Details: owner, at."},
			{Code: CodeNotOwner, Summary: "Only the owner may do this. Details: owner."},
			{Code: CodeWindowClosed, Summary: "The channel lets us answer only for a while after the customer wrote. Details: channel, closed_at."},
			{Code: CodeAgentAtCapacity, Summary: "The agent has as many conversations as they can. Details: load, capacity."},
			{Code: CodeNotYourOffer, Summary: "The offer is made to somebody else. Details: to."},
			{Code: CodeOfferExpired, Summary: "The offer does not stand any more. Details: state, at."},
			{Code: CodeNoBot, Summary: "No bot answers in this queue. Details: queue."},
		},
	}
}

// chat is the customer whom the examples are about.
const chat hub.Channel = "context:c-42"

// talkDocs are the rows of what is said.
func talkDocs() []hub.MethodDoc {
	const customer, agent, service, invalid = hub.RoleCustomer, hub.RoleAgent, hub.RoleService, hub.CodeInvalidTransition
	return []hub.MethodDoc{
		{
			Name:    "conversation.open",
			Summary: "Opens a thread. A customer's goes to its queue's bot, or waits if there is none; staff and bots own what they open.",
			Examples: []hub.Example{
				{As: customer, On: chat, Args: `{"conversation":"v1","channel":"web","queue":"support"}`},
				{As: customer, On: chat, Args: `{"conversation":"v2","channel":"web","queue":"orders","subject":"order/o1"}`},
				{As: agent, On: chat, Args: `{"conversation":"v3","channel":"web"}`},
				{As: customer, On: chat, Args: `{"channel":"web","queue":"moon"}`, Problem: hub.CodeInvalid},
			},
		},
		{
			Name:     "conversation.post",
			Summary:  "Says something in public: the customer whenever they like, anybody else as the owner only. A customer's word wakes and reopens the thread.",
			Problems: []string{CodeNotOwner, CodeWindowClosed, invalid},
			Examples: []hub.Example{
				{As: customer, On: chat, Args: `{"conversation":"v1","message":"m1","text":"Is my latte ready?"}`},
				{As: agent, On: chat, Args: `{"conversation":"v1","message":"m2","text":"One moment"}`, Problem: CodeNotOwner},
				{As: customer, On: chat, Args: `{"conversation":"v1","message":"m3","text":"","attachments":{"a1":{"type":"image","url":"https://files.example/cup.jpg","name":"cup.jpg","size":48213}}}`},
			},
		},
		{
			Name:     "conversation.receive",
			Summary:  "Takes what a customer wrote on another channel into the thread that the channel and address have, reopened if need be, or into a new one. Once per external id. Where the command names no channel, the context is the one that has the address, or a new one; the answer says which.",
			Examples: []hub.Example{{As: service, On: chat, Args: `{"channel":"whatsapp","address":"+4755512345","external_id":"wamid.77","text":"Do you have oat milk?","name":"Mara"}`}},
		},
		{
			Name:     "conversation.delivery",
			Summary:  "Notes how far a message got on its way: sent, delivered, read or failed. It only gets further.",
			Examples: []hub.Example{{As: service, On: chat, Args: `{"conversation":"v1","message":"m1","state":"delivered"}`}},
		},
		{
			Name:    "conversation.messages",
			Summary: "Tells what was said in a thread, a page at a time and the newest page first, as far back as the channel's log reaches. The result holds entries as in a snapshot, the oldest one's id to ask on from, and whether there is more.",
			Examples: []hub.Example{
				{As: customer, On: chat, Args: `{"conversation":"v1","limit":1}`},
				{As: customer, On: chat, Args: `{"conversation":"v1","before":"m3","limit":1}`},
			},
		},
		{
			Name:     "conversation.note",
			Summary:  "Writes what only staff reads.",
			Examples: []hub.Example{{As: agent, On: chat, Args: `{"conversation":"v1","message":"n1","text":"Asks about every order."}`}},
		},
	}
}

// handoffDocs are the rows of whose turn it is.
func handoffDocs() []hub.MethodDoc {
	const (
		customer, agent, supervisor, system = hub.RoleCustomer, hub.RoleAgent, hub.RoleSupervisor, hub.RoleSystem

		invalid = hub.CodeInvalidTransition
		v1      = `{"conversation":"v1"}`
	)
	by := func(role hub.Role, args string) hub.Example { return hub.Example{As: role, On: chat, Args: args} }
	ben := func(args string) hub.Example { return hub.Example{As: agent, Who: "ben", On: chat, Args: args} }
	refused := func(role hub.Role, args, code string) hub.Example {
		return hub.Example{As: role, On: chat, Args: args, Problem: code}
	}
	return []hub.MethodDoc{
		{
			Name:     "conversation.escalate",
			Summary:  "Takes the thread from its bot and lets it wait for an agent, with what that agent should know; who waits already may say why, and keeps the place. Skills and priority are not the customer's to say.",
			Problems: []string{CodeNotOwner, invalid},
			Examples: []hub.Example{
				by(customer, `{"conversation":"v2","reason":"user_request","summary":"Wants to change the order.","queue":"support"}`),
				refused(customer, `{"conversation":"v3","reason":"user_request"}`, invalid),
			},
		},
		{
			Name:     "conversation.claim",
			Summary:  "An agent takes a waiting conversation of an own queue; the first one wins.",
			Problems: []string{CodeAlreadyClaimed, CodeAgentAtCapacity, invalid},
			Examples: []hub.Example{
				by(agent, v1),
				{As: agent, Who: "ben", On: chat, Args: v1, Problem: CodeAlreadyClaimed},
				by(agent, `{"conversation":"v2"}`),
			},
		},
		{
			Name:     "conversation.mark_read",
			Summary:  "Notes how far the caller's side has read: up to a message, up to a number, or all there is. For the shop only the owner reads.",
			Problems: []string{CodeNotOwner},
			Examples: []hub.Example{by(agent, `{"conversation":"v1","message":"m1"}`)},
		},
		{
			Name:     "conversation.transfer",
			Summary:  "Offers it to another agent or to a queue, for 60 seconds. The owner keeps it until the offer is accepted; a new offer takes the place of the one before. A note stays in the thread.",
			Problems: []string{CodeNotOwner, invalid},
			Examples: []hub.Example{
				by(agent, `{"conversation":"v1","to":{"type":"agent","id":"ben"},"kind":"warm"}`),
				by(agent, `{"conversation":"v2","to":{"type":"agent","id":"ben"},"kind":"cold","note":"Knows the machine."}`),
				by(agent, `{"conversation":"v3","to":{"type":"queue","id":"orders"},"kind":"cold"}`),
				refused(agent, `{"conversation":"v1","to":{"type":"agent","id":"anna"},"kind":"cold"}`, hub.CodeInvalid),
			},
		},
		{
			Name:     "conversation.accept",
			Summary:  "Takes an offer; the first one wins. Cold: the caller is the owner. Warm: the caller joins as a consult, who reads all and notes.",
			Problems: []string{CodeNotYourOffer, CodeOfferExpired, CodeAlreadyClaimed, CodeAgentAtCapacity},
			Examples: []hub.Example{refused(agent, v1, CodeNotYourOffer), ben(v1)},
		},
		{
			Name:     "conversation.complete_transfer",
			Summary:  "Makes the consult of a warm transfer the owner.",
			Problems: []string{CodeNotOwner, invalid},
			Examples: []hub.Example{by(agent, v1), refused(agent, v1, invalid)},
		},
		{
			Name:     "conversation.decline",
			Summary:  "Turns an offer down, or leaves as a consult. Nothing changes hands.",
			Problems: []string{CodeNotYourOffer, CodeOfferExpired},
			Examples: []hub.Example{
				ben(`{"conversation":"v2"}`),
				{As: agent, Who: "ben", On: chat, Args: `{"conversation":"v2"}`, Problem: CodeOfferExpired},
			},
		},
		{
			Name:     "conversation.expire_offer",
			Summary:  "Ends an offer that nobody answered.",
			Examples: []hub.Example{{As: system, On: chat, Args: `{"conversation":"v3"}`, Later: time.Minute}},
		},
		{
			Name:     "conversation.snooze",
			Summary:  "Puts it aside until a time, or until the customer writes.",
			Problems: []string{CodeNotOwner, invalid},
			Examples: []hub.Example{ben(`{"conversation":"v1","until":"2026-11-23T12:00:00Z"}`)},
		},
		{
			Name:     "conversation.wake",
			Summary:  "Ends a snooze whose time has come.",
			Examples: []hub.Example{{As: system, On: chat, Args: v1, Later: 4 * time.Hour}},
		},
		{
			Name:     "conversation.take_over",
			Summary:  "A supervisor takes what an agent or a bot has.",
			Problems: []string{invalid},
			Examples: []hub.Example{by(supervisor, `{"conversation":"v1","reason":"vip"}`)},
		},
		{
			Name:     "conversation.release",
			Summary:  "Puts it back into its queue, at the place it had; into the one that it is just being offered to, if that is another.",
			Problems: []string{CodeNotOwner, invalid},
			Examples: []hub.Example{by(supervisor, v1), refused(agent, v1, invalid)},
		},
		{
			Name:     "conversation.return_to_bot",
			Summary:  "Gives it to the bot it came from, or to its queue's.",
			Problems: []string{CodeNoBot, CodeNotOwner, invalid},
			Examples: []hub.Example{by(agent, `{"conversation":"v2"}`), refused(agent, v1, CodeNoBot)},
		},
		{
			Name:     "conversation.resolve",
			Summary:  "Ends it. An agent who had it may finish up for 60 seconds.",
			Problems: []string{CodeNotOwner, invalid},
			Examples: []hub.Example{
				by(agent, `{"conversation":"v3"}`),
				by(agent, v1),
				{As: hub.RoleBot, On: chat, Args: `{"conversation":"v2"}`},
				refused(agent, v1, invalid),
			},
		},
		{
			Name:     "conversation.reopen",
			Summary:  "Lets a resolved conversation wait again, for 7 days.",
			Problems: []string{invalid},
			Examples: []hub.Example{by(agent, v1)},
		},
		{
			Name:     "conversation.wrap_up",
			Summary:  "Ends the time after a resolve. When the time is over it happens by itself.",
			Problems: []string{CodeNotOwner, invalid},
			Examples: []hub.Example{
				by(agent, `{"conversation":"v3","tags":["order_status"],"summary":"Told when it is ready."}`),
				refused(agent, v1, invalid),
			},
		},
	}
}
