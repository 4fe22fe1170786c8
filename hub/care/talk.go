package care

import "github.com/samepage/samepage/hub"

// post says something in public: the customer whenever they like, anybody else
// only as the owner.
func (r rules) post(tx *hub.Tx, c *Conversation, a postArgs) *hub.Problem {
	if p := tooLong(a.Text); p != nil {
		return p
	}
	m := Message{Author: authorOf(tx.By()), Kind: kindOf(a.Text), Body: a.Text, Attachments: a.Attachments}
	id, known, p := r.fresh(tx, a, m)
	if known || p != nil {
		return p
	}
	if m.Author.Type == AuthorCustomer {
		p = r.hear(tx, a.Conversation, c)
	} else {
		p = r.speak(tx, c)
	}
	if p != nil {
		return p
	}
	c.add(tx, a.Conversation, id, m)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.message_posted", said{Conversation: a.Conversation, Message: id})
	return nil
}

// note writes what only staff reads.
func (r rules) note(tx *hub.Tx, c *Conversation, a postArgs) *hub.Problem {
	if p := r.inScope(tx, c.Queue); p != nil && !c.ownedBy(tx.By()) && !c.consulting(tx.By()) {
		return p
	}
	if p := tooLong(a.Text); p != nil {
		return p
	}
	m := Message{Author: authorOf(tx.By()), Kind: KindNote, Private: true, Body: a.Text, Attachments: a.Attachments}
	id, known, p := r.fresh(tx, a, m)
	if known || p != nil {
		return p
	}
	c.add(tx, a.Conversation, id, m)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.noted", said{Conversation: a.Conversation, Message: id})
	return nil
}

// fresh is the id of a new message; known where it was posted before.
func (r rules) fresh(tx *hub.Tx, a postArgs, m Message) (id string, known bool, p *hub.Problem) {
	if a.Message == "" {
		return tx.NewID("message"), false, nil
	}
	var old Message
	if !tx.Get(MessageKey(a.Conversation, a.Message), &old) {
		return a.Message, false, nil
	}
	if old.same(m) {
		return "", true, nil
	}
	return "", false, hub.Faults{"/message": "this id belongs to another message"}.Problem()
}

// hear is what a customer's word does to the thread: it wakes, reopens, starts
// the wait for an answer, and opens the window for one.
func (r rules) hear(tx *hub.Tx, id string, c *Conversation) *hub.Problem {
	now := hub.At(tx.Now)
	switch c.Status {
	case StatusSnoozed, StatusWrapUp:
		c.moveTo(tx, id, StatusAssigned)
	case StatusResolved:
		if !tx.Now.Before(c.ReopenUntil.Time) {
			return invalidTransition(tx, c, "reopened any more")
		}
		c.enqueue(tx, id)
	}
	if c.UnansweredSince.IsZero() {
		c.UnansweredSince = now
	}
	if window, ok := r.Windows[c.Channel]; ok {
		c.WindowExpiresAt = hub.At(tx.Now.Add(window))
	}
	return nil
}

// speak is what a public word of staff or a bot does to the thread, if it may be said.
func (r rules) speak(tx *hub.Tx, c *Conversation) *hub.Problem {
	if !c.ownedBy(tx.By()) {
		return notOwner(tx, c)
	}
	if _, ok := r.Windows[c.Channel]; ok && !tx.Now.Before(c.WindowExpiresAt.Time) {
		p := hub.Problemf(CodeWindowClosed, "%s lets us answer only for a while after the customer wrote", c.Channel)
		details := map[string]any{"channel": c.Channel}
		if !c.WindowExpiresAt.IsZero() {
			details["closed_at"] = c.WindowExpiresAt
		}
		return p.With(details)
	}
	c.UnansweredSince = hub.Time{}
	if c.Owner.Type == OwnerAgent && c.FirstReplyAt.IsZero() {
		c.FirstReplyAt = hub.At(tx.Now)
	}
	return nil
}

// markRead notes how far a side has read; the furthest counts.
func (r rules) markRead(tx *hub.Tx, c *Conversation, a readArgs) *hub.Problem {
	if by := tx.By(); by.Role != hub.RoleCustomer && !c.ownedBy(by) {
		return notOwner(tx, c) // who only looks in has not read it for the shop
	}
	upTo := c.Seq
	switch {
	case a.Message != "":
		seq, ok := c.Recent[a.Message]
		if !ok {
			return hub.Problemf(hub.CodeNotFound, "there is no message %s here", a.Message)
		}
		upTo = seq
	case a.Seq > 0:
		upTo = min(a.Seq, c.Seq)
	}
	side := string(authorOf(tx.By()).Type)
	if upTo <= c.Read[side] {
		return nil
	}
	c.read(side, upTo)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.read", said{Conversation: a.Conversation})
	return nil
}

// delivery notes how far a message got on its way; it only gets further.
func (r rules) delivery(tx *hub.Tx, a deliveryArgs) *hub.Problem {
	key := MessageKey(a.Conversation, a.Message)
	var m Message
	if !tx.Get(key, &m) || m.Private {
		return hub.Problemf(hub.CodeNotFound, "there is no message %s here", a.Message)
	}
	if !m.Delivery.further(a.State) {
		return nil
	}
	m.Delivery = a.State
	tx.Put(key, m)
	tx.Emit("conversation.delivery_changed", said{Conversation: a.Conversation, Message: a.Message})
	return nil
}

func authorOf(by hub.Actor) Author {
	a := Author{ID: by.ID, Name: by.Name}
	switch by.Role {
	case hub.RoleAgent, hub.RoleSupervisor:
		a.Type = AuthorAgent
	case hub.RoleBot:
		a.Type = AuthorBot
	default:
		a.Type = AuthorCustomer
	}
	return a
}

func kindOf(text string) Kind {
	if text == "" {
		return KindAttachment
	}
	return KindText
}
