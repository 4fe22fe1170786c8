package care

import "github.com/samepage/samepage/hub"

// The refusals of conversations.
const (
	CodeAlreadyClaimed  = "already_claimed"       // details: owner, at
	CodeNotOwner        = "not_owner"             // details: owner
	CodeWindowClosed    = "channel_window_closed" // details: channel, closed_at
	CodeAgentAtCapacity = "agent_at_capacity"     // details: load, capacity
	CodeNotYourOffer    = "not_your_offer"        // details: to
	CodeOfferExpired    = "offer_expired"         // details: state, at
	CodeNoBot           = "no_bot"                // details: queue
)

// invalidTransition says that the conversation cannot be treated so from where it stands.
func invalidTransition(tx *hub.Tx, c *Conversation, what string) *hub.Problem {
	by := c.StatusBy
	if outside(tx.By().Role) && by.Role != hub.RoleCustomer {
		by.ID = ""
	}
	return hub.Problemf(hub.CodeInvalidTransition, "a conversation that is %s cannot be %s", c.Status, what).
		With(map[string]any{"from": c.Status, "at": c.StatusAt, "by": by})
}

// beingTransferred is invalidTransition for what waits until an offer is answered.
func beingTransferred(tx *hub.Tx, c *Conversation, what string) *hub.Problem {
	p := invalidTransition(tx, c, what)
	p.Message = "a conversation that is being transferred cannot be " + what
	return p
}

func notOwner(tx *hub.Tx, c *Conversation) *hub.Problem {
	return hub.Problemf(CodeNotOwner, "the conversation belongs to %s", describe(c.Owner)).
		With(map[string]any{"owner": c.Owner.seenBy(tx.By().Role)})
}

func alreadyClaimed(tx *hub.Tx, c *Conversation) *hub.Problem {
	return hub.Problemf(CodeAlreadyClaimed, "the conversation already belongs to %s", describe(c.Owner)).
		With(map[string]any{"owner": c.Owner.seenBy(tx.By().Role), "at": c.OwnedAt})
}

// offerExpired says what became of an offer.
func offerExpired(o *Offer) *hub.Problem {
	state, at := o.State, o.At
	if state == OfferPending { // its timer is about to say so
		state, at = OfferTimeout, o.ExpiresAt
	}
	return hub.Problemf(CodeOfferExpired, "the offer does not stand any more: %s", state).
		With(map[string]any{"state": state, "at": at})
}

func noOffer(conversation string) *hub.Problem {
	return hub.Problemf(CodeOfferExpired, "no such offer of %s stands", conversation)
}

func noConversation(id string) *hub.Problem {
	return hub.Problemf(hub.CodeNotFound, "there is no conversation %s here", id)
}

// outside reports whether a role knows staff by their display names only.
func outside(r hub.Role) bool { return r == hub.RoleCustomer || r == hub.RoleBot || r == hub.RoleGuest }

func (o Owner) seenBy(r hub.Role) Owner {
	if outside(r) && o.Type == OwnerAgent {
		o.ID = ""
	}
	return o
}

func describe(o Owner) string {
	switch {
	case o.Type == OwnerNone:
		return "nobody"
	case o.Name != "":
		return o.Name
	}
	return "another " + string(o.Type)
}
