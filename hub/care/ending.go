package care

import "github.com/samepage/samepage/hub"

// snooze puts a thread aside until a time, or until the customer writes.
func (r rules) snooze(tx *hub.Tx, c *Conversation, a snoozeArgs) *hub.Problem {
	if c.Status != StatusAssigned {
		return invalidTransition(tx, c, "snoozed")
	}
	if p := r.mayHandle(tx, c); p != nil {
		return p
	}
	if c.pending() {
		return beingTransferred(tx, c, "snoozed")
	}
	if a.Until != nil && !mayEnd(*a.Until, tx.Now) {
		return hub.Faults{"/until": "must be later than now and within a year"}.Problem()
	}
	c.moveTo(tx, a.Conversation, StatusSnoozed)
	if a.Until != nil {
		c.SnoozedUntil = *a.Until
		tx.SetTimer(wakeTimer(a.Conversation), a.Until.Time, "conversation.wake", a.thread)
	}
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.snoozed", said{Conversation: a.Conversation})
	return nil
}

// wake ends a snooze whose time has come; one that ended otherwise, or goes on
// for longer by now, is left alone.
func (r rules) wake(tx *hub.Tx, c *Conversation, a conversationArgs) *hub.Problem {
	if c.Status != StatusSnoozed || c.SnoozedUntil.IsZero() || tx.Now.Before(c.SnoozedUntil.Time) {
		return nil
	}
	c.moveTo(tx, a.Conversation, StatusAssigned)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.woken", said{Conversation: a.Conversation})
	return nil
}

// resolve ends a thread; an agent who had it may finish up first.
func (r rules) resolve(tx *hub.Tx, c *Conversation, a conversationArgs) *hub.Problem {
	var p *hub.Problem
	switch c.Status {
	case StatusAssigned, StatusBot:
		p = r.mayHandle(tx, c)
	case StatusQueued:
		if p = r.inScope(tx, c.Queue); tx.By().Role == hub.RoleBot {
			p = notOwner(tx, c)
		}
	default:
		p = invalidTransition(tx, c, "resolved")
	}
	if p != nil {
		return p
	}
	if c.pending() {
		return beingTransferred(tx, c, "resolved")
	}
	if c.Status == StatusAssigned && r.WrapUp > 0 {
		c.moveTo(tx, a.Conversation, StatusWrapUp)
		c.UnansweredSince = hub.Time{}
		c.WrapUpUntil = hub.At(tx.Now.Add(r.WrapUp))
		tx.SetTimer(wrapUpTimer(a.Conversation), c.WrapUpUntil.Time, "conversation.wrap_up", a.thread)
	} else {
		c.finish(tx, a.Conversation, r.ReopenWindow)
	}
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.resolved", said{Conversation: a.Conversation, Reason: a.Reason})
	return nil
}

// wrapUp ends the time after a resolve: by the owner, or by the timer.
func (r rules) wrapUp(tx *hub.Tx, c *Conversation, a wrapUpArgs) *hub.Problem {
	if tx.By().Role == hub.RoleSystem && (c.Status != StatusWrapUp || tx.Now.Before(c.WrapUpUntil.Time)) {
		return nil // it ended otherwise
	}
	if c.Status != StatusWrapUp {
		return invalidTransition(tx, c, "wrapped up")
	}
	if p := r.mayHandle(tx, c); p != nil {
		return p
	}
	if len(a.Tags) > 0 {
		c.Tags = a.Tags
	}
	if a.Summary != "" {
		c.Summary = a.Summary
	}
	c.finish(tx, a.Conversation, r.ReopenWindow)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.wrapped_up", said{Conversation: a.Conversation})
	return nil
}

// reopen lets a resolved thread wait again, while its window lasts.
func (r rules) reopen(tx *hub.Tx, c *Conversation, a conversationArgs) *hub.Problem {
	if p := r.inScope(tx, c.Queue); p != nil {
		return p
	}
	switch {
	case c.Status != StatusResolved:
		return invalidTransition(tx, c, "reopened")
	case !tx.Now.Before(c.ReopenUntil.Time):
		return invalidTransition(tx, c, "reopened any more")
	}
	c.enqueue(tx, a.Conversation)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.reopened", said{Conversation: a.Conversation, Queue: c.Queue, Reason: a.Reason})
	return nil
}
