package care

import "github.com/samepage/samepage/hub"

// OfferKind is how a conversation is to change hands.
type OfferKind string

// The kinds of offer. Cold: accepting makes the owner. Warm: accepting joins
// the thread as a consult, who reads all and notes; the owner completes it.
const (
	OfferCold OfferKind = "cold"
	OfferWarm OfferKind = "warm"
)

// OfferState is what became of an offer.
type OfferState string

// The states of an offer. A warm one that was accepted stands until the
// transfer is complete; all else but pending is the end.
const (
	OfferPending   OfferState = "pending"
	OfferAccepted  OfferState = "accepted"
	OfferRejected  OfferState = "rejected"
	OfferTimeout   OfferState = "timeout"
	OfferRescinded OfferState = "rescinded" // another offer or owner took its place
	OfferCanceled  OfferState = "canceled"  // the conversation ended
)

// PartyType is what kind of party an offer is made to.
type PartyType string

// The types of party.
const (
	PartyAgent PartyType = "agent"
	PartyQueue PartyType = "queue"
)

// Party is whom an offer is made to: one agent, or whoever of a queue is first.
type Party struct {
	Type PartyType `json:"type"`
	ID   string    `json:"id"`
	Name string    `json:"name,omitempty"` // of an agent, once it is known
}

// Offer is an owner's wish to hand a conversation to somebody else. What the
// conversation says of itself (reason, summary, slots) goes with it.
type Offer struct {
	ID        string     `json:"id"`
	Kind      OfferKind  `json:"kind"`
	State     OfferState `json:"state"`
	From      Owner      `json:"from"`
	To        Party      `json:"to"`
	Queue     string     `json:"queue,omitempty"` // the queue that the conversation then belongs to, if that changes
	Note      string     `json:"note,omitempty"`
	At        hub.Time   `json:"at"`                  // when it came to its state
	ExpiresAt hub.Time   `json:"expires_at,omitzero"` // of a pending one
}

// consulting reports whether the caller is in the thread as a consult.
func (c *Conversation) consulting(by hub.Actor) bool {
	o := c.Offer
	return o != nil && o.State == OfferAccepted && o.To.Type == PartyAgent && o.To.ID == by.ID &&
		(by.Role == hub.RoleAgent || by.Role == hub.RoleSupervisor)
}

// pending reports whether an offer waits for an answer.
func (c *Conversation) pending() bool { return c.Offer != nil && c.Offer.State == OfferPending }

// endOffer closes the offer there is, if any; it is remembered until the next one.
func (c *Conversation) endOffer(tx *hub.Tx, id string, s OfferState) {
	if c.Offer == nil {
		return
	}
	last := *c.Offer
	last.State, last.At, last.ExpiresAt = s, hub.At(tx.Now), hub.Time{}
	c.Offer, c.LastOffer = nil, &last
	tx.ClearTimer(offerTimer(id))
}

// madeTo is nil if the caller is the one an offer is made to.
func (r rules) madeTo(tx *hub.Tx, o *Offer) *hub.Problem {
	if o.To.Type == PartyAgent && o.To.ID == tx.By().ID || o.To.Type == PartyQueue && r.inScope(tx, o.To.ID) == nil {
		return nil
	}
	return hub.Problemf(CodeNotYourOffer, "the offer is made to %s %s", o.To.Type, o.To.ID).
		With(map[string]any{"to": o.To})
}

func offerTimer(id string) string { return "conversation/" + id + "/offer" }
