package care

import (
	"cmp"

	"github.com/samepage/samepage/hub"
)

// Load is the document of the entry "load" of desk:AGENT: how many
// conversations the agent has in each status, and how many are offered.
type Load struct {
	Assigned int `json:"assigned"`
	Snoozed  int `json:"snoozed"`
	WrapUp   int `json:"wrapup"`
	Offered  int `json:"offered,omitempty"`
}

// LoadKey is the key of [Load] in an agent's desk.
const LoadKey = "load"

// Counts is what counts against an agent's capacity: what is snoozed does not.
func (l Load) Counts() int { return l.Owned() + l.Offered }

// Owned is Counts without what is only offered.
func (l Load) Owned() int { return l.Assigned + l.WrapUp }

// escalate takes the thread from its bot and lets it wait for an agent, with
// what that agent should know.
func (r rules) escalate(tx *hub.Tx, c *Conversation, a escalateArgs) *hub.Problem {
	if tx.By().Role == hub.RoleBot && !c.ownedBy(tx.By()) {
		return notOwner(tx, c)
	}
	if c.Status != StatusBot && c.Status != StatusQueued { // who waits already may say why, and keeps the place
		return invalidTransition(tx, c, "escalated")
	}
	queue, p := r.knownQueue(a.Queue, c.Queue)
	if p != nil {
		return p
	}
	c.Queue = queue
	c.Reason, c.Summary, c.Slots, c.Skills, c.Priority = a.Reason, a.Summary, a.Slots, a.Skills, a.Priority
	if tx.By().Role == hub.RoleCustomer {
		c.Skills, c.Priority = nil, 0 // not theirs to say
	}
	c.enqueue(tx, a.Conversation)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.escalated", said{Conversation: a.Conversation, Queue: c.Queue, Reason: a.Reason})
	return nil
}

// claim takes a waiting thread; the first one wins.
func (r rules) claim(tx *hub.Tx, c *Conversation, a conversationArgs) *hub.Problem {
	if p := r.inScope(tx, c.Queue); p != nil {
		return p
	}
	switch {
	case c.Status == StatusAssigned && c.ownedBy(tx.By()):
		return nil
	case c.Owner.Type == OwnerAgent:
		return alreadyClaimed(tx, c)
	case c.Status != StatusQueued:
		return invalidTransition(tx, c, "claimed")
	}
	if p := r.roomAtDesk(tx, Load.Counts); p != nil {
		return p
	}
	c.assign(tx, a.Conversation)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.claimed", said{Conversation: a.Conversation})
	return nil
}

// roomAtDesk is nil while the agent can own one more. The desk is a view and
// may be a moment behind: this keeps agents from being swamped, it is no lock.
func (r rules) roomAtDesk(tx *hub.Tx, counts func(Load) int) *hub.Problem {
	capacity := tx.Command.Caller.Capacity
	if capacity <= 0 {
		capacity = r.Capacity
	}
	var load Load
	tx.Ref(hub.Channel(hub.KindDesk+":"+tx.By().ID), LoadKey, &load)
	has := counts(load)
	if has < capacity {
		return nil
	}
	return hub.Problemf(CodeAgentAtCapacity, "you have %d conversations of %d", has, capacity).
		With(map[string]any{"load": has, "capacity": capacity})
}

// takeOver gives a supervisor what another has: an agent's thread, or a bot's.
func (r rules) takeOver(tx *hub.Tx, c *Conversation, a conversationArgs) *hub.Problem {
	if p := r.inScope(tx, c.Queue); p != nil {
		return p
	}
	switch {
	case c.Status == StatusAssigned && c.ownedBy(tx.By()):
		return nil
	case c.Status != StatusAssigned && c.Status != StatusSnoozed && c.Status != StatusBot:
		return invalidTransition(tx, c, "taken over")
	}
	from := c.Owner
	c.assign(tx, a.Conversation)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.taken_over", said{Conversation: a.Conversation, From: &from, Reason: a.Reason})
	return nil
}

// release puts a thread back into its queue, at the place it had. One that is
// just being offered to another queue goes there.
func (r rules) release(tx *hub.Tx, c *Conversation, a conversationArgs) *hub.Problem {
	if c.Status != StatusAssigned {
		return invalidTransition(tx, c, "released")
	}
	if p := r.mayHandle(tx, c); p != nil {
		return p
	}
	from := c.Owner
	if c.Offer != nil {
		c.Queue = cmp.Or(c.Offer.Queue, c.Queue)
	}
	c.enqueue(tx, a.Conversation)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.released", said{Conversation: a.Conversation, Queue: c.Queue, From: &from, Reason: a.Reason})
	return nil
}

// returnToBot gives the thread to the bot it came from, or to its queue's.
func (r rules) returnToBot(tx *hub.Tx, c *Conversation, a conversationArgs) *hub.Problem {
	var p *hub.Problem
	switch c.Status {
	case StatusAssigned:
		p = r.mayHandle(tx, c)
	case StatusQueued:
		p = r.inScope(tx, c.Queue)
	default:
		p = invalidTransition(tx, c, "returned to a bot")
	}
	if p != nil {
		return p
	}
	if c.Bot == "" {
		c.Bot, c.BotName = r.Queues[c.Queue].Bot, r.Queues[c.Queue].BotName
	}
	if c.Bot == "" {
		return hub.Problemf(CodeNoBot, "no bot answers in %s", c.Queue).With(map[string]any{"queue": c.Queue})
	}
	from := c.Owner
	c.toBot(tx, a.Conversation)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.returned_to_bot", said{Conversation: a.Conversation, From: &from, Control: "returned"})
	return nil
}
