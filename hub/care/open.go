package care

import "github.com/samepage/samepage/hub"

// MaxOpen is how many conversations of a context can be unresolved at once.
const MaxOpen = 200

// What the events of conversations tell besides their changes.
type said struct {
	Conversation string `json:"conversation"`
	Message      string `json:"message,omitempty"`
	Queue        string `json:"queue,omitempty"`
	Reason       string `json:"reason,omitempty"`
	From         *Owner `json:"from,omitempty"`
	Offer        *Offer `json:"offer,omitempty"`
	Control      string `json:"control,omitempty"` // to a bot: "returned"
}

// open starts a thread: with its queue's bot or in the queue for a customer,
// with the caller as its owner for anybody else.
func (r rules) open(tx *hub.Tx, a openArgs) *hub.Problem {
	queue, p := r.knownQueue(a.Queue, r.DefaultQueue)
	if p != nil {
		return p
	}
	if p := r.inScope(tx, queue); p != nil {
		return p
	}
	id := a.Conversation
	if id == "" {
		id = tx.NewID("conversation")
	}
	var c Conversation
	if tx.Get(Key(id), &c) {
		if c.Channel == a.Channel && c.Address == a.Address && (c.Queue == queue || a.Queue == "") {
			return nil
		}
		return hub.Faults{"/conversation": "this id belongs to another conversation"}.Problem()
	}
	if p := r.roomForOne(tx); p != nil {
		return p
	}
	c = Conversation{Channel: a.Channel, Address: a.Address, Subject: a.Subject, Queue: queue, OpenedAt: hub.At(tx.Now)}
	switch by := tx.By(); by.Role {
	case hub.RoleAgent, hub.RoleSupervisor:
		c.assign(tx, id)
	case hub.RoleBot:
		c.Bot, c.BotName = by.ID, by.Name
		c.toBot(tx, id)
	default:
		r.begin(tx, id, &c)
	}
	tx.Put(Key(id), c)
	tx.Emit("conversation.opened", said{Conversation: id, Queue: queue})
	return nil
}

// begin gives a customer's new thread to the queue's bot, or lets it wait.
func (r rules) begin(tx *hub.Tx, id string, c *Conversation) {
	c.Owner.Type = OwnerNone
	if q := r.Queues[c.Queue]; q.Bot != "" {
		c.Bot, c.BotName = q.Bot, q.BotName
		c.toBot(tx, id)
		return
	}
	c.enqueue(tx, id)
}

func (c *Conversation) toBot(tx *hub.Tx, id string) {
	c.moveTo(tx, id, StatusBot)
	c.giveTo(tx, Owner{Type: OwnerBot, ID: c.Bot, Name: c.BotName})
	c.WaitingSince = hub.Time{}
}

func (r rules) roomForOne(tx *hub.Tx) *hub.Problem {
	open := 0
	for key := range tx.Keys("conversation/") {
		var c struct{ Status Status }
		if tx.Get(key, &c); c.Status != StatusResolved {
			open++
		}
	}
	if open < MaxOpen {
		return nil
	}
	return hub.Problemf(hub.CodeTooLarge, "a customer has at most %d open conversations", MaxOpen).
		With(map[string]any{"limit": MaxOpen})
}
