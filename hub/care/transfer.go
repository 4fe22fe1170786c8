package care

import (
	"cmp"

	"github.com/samepage/samepage/hub"
)

// transfer offers a thread to another agent, or to a queue. Whoever has it
// keeps it until the offer is accepted; a new offer takes the place of the one
// before.
func (r rules) transfer(tx *hub.Tx, c *Conversation, a transferArgs) *hub.Problem {
	if c.Status != StatusAssigned {
		return invalidTransition(tx, c, "transferred")
	}
	if p := r.mayHandle(tx, c); p != nil {
		return p
	}
	switch {
	case a.To.Type == PartyAgent && a.To.ID == c.Owner.ID:
		return hub.Faults{"/to/id": "has the conversation already"}.Problem()
	case a.To.Type == PartyQueue && !r.knows(a.To.ID):
		return hub.Faults{"/to/id": "no queue is called so"}.Problem()
	}
	offer := Offer{
		ID: tx.NewID("offer"), Kind: cmp.Or(a.Kind, OfferCold), State: OfferPending, From: c.Owner, To: Party{Type: a.To.Type, ID: a.To.ID},
		Note: a.Note, At: hub.At(tx.Now), ExpiresAt: hub.At(tx.Now.Add(r.TransferTimeout)),
	}
	if a.To.Type == PartyQueue {
		offer.Queue = a.To.ID
	}
	c.endOffer(tx, a.Conversation, OfferRescinded)
	c.Offer = &offer
	if a.Note != "" { // it stays in the thread, whatever becomes of the offer
		note := Message{Author: authorOf(tx.By()), Kind: KindNote, Private: true, Body: a.Note}
		c.add(tx, a.Conversation, tx.NewID("note"), note)
	}
	tx.SetTimer(offerTimer(a.Conversation), offer.ExpiresAt.Time, "conversation.expire_offer", offerArgs{a.thread, offer.ID})
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.offered", said{Conversation: a.Conversation, Offer: &offer})
	return nil
}

// accept takes an offer. Cold: the caller is the owner from here on. Warm: the
// caller joins as a consult.
func (r rules) accept(tx *hub.Tx, c *Conversation, a offerArgs) *hub.Problem {
	offer := c.Offer
	if offer == nil || !a.means(offer) {
		return c.lateAccept(tx, a)
	}
	if p := r.madeTo(tx, offer); p != nil {
		return p
	}
	switch {
	case offer.State == OfferAccepted: // by the caller, who joined
		return nil
	case !tx.Now.Before(offer.ExpiresAt.Time):
		return offerExpired(offer)
	}
	if p := r.roomAtDesk(tx, Load.Owned); p != nil { // the offer itself holds a place among what is offered
		return p
	}
	if offer.Kind == OfferWarm {
		by := tx.By()
		offer.State, offer.At, offer.ExpiresAt = OfferAccepted, hub.At(tx.Now), hub.Time{}
		offer.To = Party{Type: PartyAgent, ID: by.ID, Name: by.Name}
		tx.ClearTimer(offerTimer(a.Conversation))
		tx.Put(Key(a.Conversation), c)
		tx.Emit("conversation.consult_joined", said{Conversation: a.Conversation, Offer: offer})
		return nil
	}
	r.handOver(tx, a.Conversation, c, Owner{Type: OwnerAgent, ID: tx.By().ID, Name: tx.By().Name})
	return nil
}

// lateAccept answers an accept of an offer that does not stand any more.
func (c *Conversation) lateAccept(tx *hub.Tx, a offerArgs) *hub.Problem {
	last := c.LastOffer
	switch {
	case last == nil || !a.means(last):
		return noOffer(a.Conversation)
	case last.State != OfferAccepted:
		return offerExpired(last)
	case c.ownedBy(tx.By()):
		return nil
	}
	return alreadyClaimed(tx, c)
}

// decline turns an offer down, or leaves a consult. Whoever has the thread still has it.
func (r rules) decline(tx *hub.Tx, c *Conversation, a declineArgs) *hub.Problem {
	switch {
	case c.Offer != nil && a.means(c.Offer):
	case c.LastOffer != nil && a.means(c.LastOffer):
		return offerExpired(c.LastOffer)
	default:
		return noOffer(a.Conversation)
	}
	if p := r.madeTo(tx, c.Offer); p != nil {
		return p
	}
	if c.pending() && !tx.Now.Before(c.Offer.ExpiresAt.Time) {
		return offerExpired(c.Offer)
	}
	c.endOffer(tx, a.Conversation, OfferRejected)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.offer_declined", said{Conversation: a.Conversation, Offer: c.LastOffer, Reason: a.Reason})
	return nil
}

// expireOffer ends an offer that nobody answered; one that ended otherwise is left alone.
func (r rules) expireOffer(tx *hub.Tx, c *Conversation, a offerArgs) *hub.Problem {
	if !c.pending() || !a.means(c.Offer) || tx.Now.Before(c.Offer.ExpiresAt.Time) {
		return nil
	}
	c.endOffer(tx, a.Conversation, OfferTimeout)
	tx.Put(Key(a.Conversation), c)
	tx.Emit("conversation.offer_expired", said{Conversation: a.Conversation, Offer: c.LastOffer})
	return nil
}

// completeTransfer makes the consult of a warm transfer the owner.
func (r rules) completeTransfer(tx *hub.Tx, c *Conversation, a conversationArgs) *hub.Problem {
	if c.Status != StatusAssigned || c.Offer == nil || c.pending() {
		return invalidTransition(tx, c, "handed over: nobody has joined")
	}
	if p := r.mayHandle(tx, c); p != nil {
		return p
	}
	r.handOver(tx, a.Conversation, c, Owner{Type: OwnerAgent, ID: c.Offer.To.ID, Name: c.Offer.To.Name})
	return nil
}

// handOver ends a transfer with a new owner.
func (r rules) handOver(tx *hub.Tx, id string, c *Conversation, to Owner) {
	from := c.Owner
	c.Queue = cmp.Or(c.Offer.Queue, c.Queue)
	c.endOffer(tx, id, OfferAccepted)
	c.moveTo(tx, id, StatusAssigned)
	c.giveTo(tx, to)
	tx.Put(Key(id), c)
	tx.Emit("conversation.transferred", said{Conversation: id, Queue: c.Queue, From: &from, Offer: c.LastOffer})
}
