package care

import (
	"time"

	"github.com/samepage/samepage/hub"
)

// Status is where a conversation stands.
type Status string

// The statuses. Bot has a bot as its owner; assigned, snoozed and wrapup have
// an agent; queued and resolved have nobody.
const (
	StatusBot      Status = "bot"
	StatusQueued   Status = "queued"
	StatusAssigned Status = "assigned"
	StatusSnoozed  Status = "snoozed"
	StatusWrapUp   Status = "wrapup"
	StatusResolved Status = "resolved"
)

// OwnerType is what kind of owner a conversation has.
type OwnerType string

// The types of owner.
const (
	OwnerNone  OwnerType = "none"
	OwnerBot   OwnerType = "bot"
	OwnerAgent OwnerType = "agent"
)

// Owner is the one whose public words go out.
type Owner struct {
	Type OwnerType `json:"type"`
	ID   string    `json:"id,omitempty"`
	Name string    `json:"name,omitempty"` // as customers may know it
}

// Conversation is the document of conversation/ID.
type Conversation struct {
	Channel  string    `json:"channel"` // web, whatsapp, mail …
	Address  string    `json:"address,omitempty"`
	Subject  string    `json:"subject,omitempty"` // the key of the order or cart it is about
	Status   Status    `json:"status"`
	StatusAt hub.Time  `json:"status_at"`
	StatusBy hub.Actor `json:"status_by"`

	Owner     Owner    `json:"owner"`
	OwnedAt   hub.Time `json:"owned_at,omitzero"`
	LastOwner *Owner   `json:"last_owner,omitempty"` // the agent who had it last
	Bot       string   `json:"bot,omitempty"`        // the bot that control may return to
	BotName   string   `json:"bot_name,omitempty"`

	Offer     *Offer `json:"offer,omitempty"`      // a transfer under way: at most one
	LastOffer *Offer `json:"last_offer,omitempty"` // how the one before ended

	Queue        string            `json:"queue"`
	WaitingSince hub.Time          `json:"waiting_since,omitzero"` // when it came to the queue; kept while assigned, so that a release keeps its place
	Reason       string            `json:"reason,omitempty"`
	Summary      string            `json:"summary,omitempty"`
	Slots        map[string]string `json:"slots,omitempty"`
	Skills       []string          `json:"skills,omitempty"`
	Priority     int               `json:"priority,omitempty"` // higher goes first
	Tags         []string          `json:"tags,omitempty"`

	OpenedAt        hub.Time `json:"opened_at"`
	UnansweredSince hub.Time `json:"unanswered_since,omitzero"` // the customer's first word that nobody answered
	FirstReplyAt    hub.Time `json:"first_reply_at,omitzero"`   // an agent's first public word
	WindowExpiresAt hub.Time `json:"window_expires_at,omitzero"`
	SnoozedUntil    hub.Time `json:"snoozed_until,omitzero"`
	WrapUpUntil     hub.Time `json:"wrap_up_until,omitzero"`
	ResolvedAt      hub.Time `json:"resolved_at,omitzero"`
	ReopenUntil     hub.Time `json:"reopen_until,omitzero"`

	Seq         int64            `json:"seq"` // public messages so far: the last one's number
	Read        map[string]int64 `json:"read,omitempty"`
	LastMessage *Preview         `json:"last_message,omitempty"`
	NoteSeq     int64            `json:"note_seq,omitempty"`
	Recent      map[string]int64 `json:"recent,omitempty"`   // public messages in the snapshot: id -> number
	Notes       map[string]int64 `json:"notes,omitempty"`    // notes in the snapshot: id -> number
	Received    map[string]int64 `json:"received,omitempty"` // messages that came in by other channels lately: id -> number
}

// Preview is the last public message in short.
type Preview struct {
	Message string     `json:"message"`
	Author  AuthorType `json:"author"`
	Text    string     `json:"text"`
	At      hub.Time   `json:"at"`
}

// Key is the entry's key of a conversation.
func Key(conversation string) string { return "conversation/" + conversation }

// MessageKey is the entry's key of a message.
func MessageKey(conversation, message string) string {
	return "message/" + conversation + "/" + message
}

// ownedBy reports whether the caller is the owner.
func (c *Conversation) ownedBy(by hub.Actor) bool {
	switch by.Role {
	case hub.RoleAgent, hub.RoleSupervisor:
		return c.Owner.Type == OwnerAgent && c.Owner.ID == by.ID
	case hub.RoleBot:
		return c.Owner.Type == OwnerBot && c.Owner.ID == by.ID
	}
	return false
}

// moveTo changes the status; what belongs to the one before goes with it.
func (c *Conversation) moveTo(tx *hub.Tx, id string, s Status) {
	switch c.Status {
	case StatusAssigned:
		c.endOffer(tx, id, endOf(s))
	case StatusSnoozed:
		c.SnoozedUntil = hub.Time{}
		tx.ClearTimer(wakeTimer(id))
	case StatusWrapUp:
		c.WrapUpUntil = hub.Time{}
		tx.ClearTimer(wrapUpTimer(id))
	case StatusResolved:
		c.ResolvedAt, c.ReopenUntil = hub.Time{}, hub.Time{}
	}
	by := tx.By()
	c.Status, c.StatusAt = s, hub.At(tx.Now)
	c.StatusBy = hub.Actor{Role: by.Role, ID: by.ID, Name: by.Name}
}

// giveTo makes somebody the owner.
func (c *Conversation) giveTo(tx *hub.Tx, o Owner) {
	if c.Owner.Type == OwnerAgent && (o.Type != OwnerAgent || o.ID != c.Owner.ID) {
		last := c.Owner
		c.LastOwner = &last
	}
	c.Owner, c.OwnedAt = o, hub.At(tx.Now)
	if o.Type == OwnerNone {
		c.OwnedAt = hub.Time{}
	}
}

// enqueue lets it wait for an agent, at its old place if it has one.
func (c *Conversation) enqueue(tx *hub.Tx, id string) {
	c.moveTo(tx, id, StatusQueued)
	c.giveTo(tx, Owner{Type: OwnerNone})
	if c.WaitingSince.IsZero() {
		c.WaitingSince = hub.At(tx.Now)
	}
}

// assign makes the caller, an agent, the owner.
func (c *Conversation) assign(tx *hub.Tx, id string) {
	c.moveTo(tx, id, StatusAssigned)
	c.giveTo(tx, Owner{Type: OwnerAgent, ID: tx.By().ID, Name: tx.By().Name})
}

// finish resolves it for good, as far as there is such a thing.
func (c *Conversation) finish(tx *hub.Tx, id string, reopenWindow time.Duration) {
	c.moveTo(tx, id, StatusResolved)
	c.giveTo(tx, Owner{Type: OwnerNone})
	c.WaitingSince, c.UnansweredSince = hub.Time{}, hub.Time{}
	c.ResolvedAt, c.ReopenUntil = hub.At(tx.Now), hub.At(tx.Now.Add(reopenWindow))
}

// endOf is what becomes of an offer when its conversation leaves its owner for a status.
func endOf(s Status) OfferState {
	if s == StatusWrapUp || s == StatusResolved {
		return OfferCanceled
	}
	return OfferRescinded
}

func wakeTimer(id string) string   { return "conversation/" + id + "/wake" }
func wrapUpTimer(id string) string { return "conversation/" + id + "/wrap_up" }
