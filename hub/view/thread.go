package view

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
)

// thread is what queues and desks tell alike of a conversation.
type thread struct {
	Context         string        `json:"context"` // the customer's, without "context:"
	Conversation    string        `json:"conversation"`
	Customer        string        `json:"customer,omitempty"` // the name, if it is known
	Channel         string        `json:"channel"`
	Status          care.Status   `json:"status"`
	Queue           string        `json:"queue"`
	Priority        int           `json:"priority,omitempty"`
	Reason          string        `json:"reason,omitempty"`
	Summary         string        `json:"summary,omitempty"`
	Subject         string        `json:"subject,omitempty"`
	WaitingSince    hub.Time      `json:"waiting_since,omitzero"`
	UnansweredSince hub.Time      `json:"unanswered_since,omitzero"`
	WindowExpiresAt hub.Time      `json:"window_expires_at,omitzero"`
	LastMessage     *care.Preview `json:"last_message,omitempty"`
}

// Waiting is the document of conversation/ID of a queue.
type Waiting struct {
	thread
	Skills []string          `json:"skills,omitempty"`
	Slots  map[string]string `json:"slots,omitempty"`
}

// Owned is the document of conversation/ID of an agent's desk, and in short of a bot's.
type Owned struct {
	thread
	OwnedAt      hub.Time `json:"owned_at,omitzero"`
	Unread       int64    `json:"unread,omitempty"`
	SnoozedUntil hub.Time `json:"snoozed_until,omitzero"`
	WrapUpUntil  hub.Time `json:"wrap_up_until,omitzero"`

	Offer *care.Offer `json:"offer,omitempty"` // to whom the agent offers it
}

// Offered is the document of offer/ID of the desk of the agent, or of the queue,
// that the conversation ID is offered to.
type Offered struct {
	thread
	Slots map[string]string `json:"slots,omitempty"`
	Owner care.Owner        `json:"owner"` // who has it until the offer is accepted
	Offer care.Offer        `json:"offer"`
}

// threads is where a conversation stands: in its queue, on a desk, or nowhere.
func threads(c *source, key string) ([]wanted, error) {
	var v care.Conversation
	if ok, err := c.read(key, &v); !ok {
		return nil, err
	}
	t := newThread(c, id(key), &v)
	switch {
	case v.Status == care.StatusQueued:
		return want(hub.KindQueue, v.Queue, Waiting{thread: t, Skills: v.Skills, Slots: v.Slots})
	case v.Owner.Type == care.OwnerBot: // no more than it takes to go there: the desk of a bot has many
		return want(hub.KindDesk, v.Owner.ID, Owned{
			thread:  thread{Context: t.Context, Conversation: t.Conversation, Channel: t.Channel, Status: t.Status, Queue: t.Queue},
			OwnedAt: v.OwnedAt,
		})
	case v.Owner.Type == care.OwnerAgent:
		return want(hub.KindDesk, v.Owner.ID, Owned{
			thread: t, OwnedAt: v.OwnedAt, Unread: v.Seq - v.Read[string(care.AuthorAgent)],
			SnoozedUntil: v.SnoozedUntil, WrapUpUntil: v.WrapUpUntil, Offer: v.Offer,
		})
	}
	return nil, nil
}

// offers is where a conversation's offer stands: with whom it is made to.
func offers(c *source, key string) ([]wanted, error) {
	var v care.Conversation
	if ok, err := c.read(care.Key(id(key)), &v); !ok || v.Offer == nil {
		return nil, err
	}
	kind := hub.KindDesk
	if v.Offer.To.Type == care.PartyQueue {
		kind = hub.KindQueue
	}
	return want(kind, v.Offer.To.ID, Offered{thread: newThread(c, id(key), &v), Slots: v.Slots, Owner: v.Owner, Offer: *v.Offer})
}

func newThread(c *source, conversation string, v *care.Conversation) thread {
	return thread{
		Context: c.name.ID(), Conversation: conversation, Customer: c.customer(), Channel: v.Channel, Status: v.Status,
		Queue: v.Queue, Priority: v.Priority, Reason: v.Reason, Summary: v.Summary, Subject: v.Subject,
		WaitingSince: v.WaitingSince, UnansweredSince: v.UnansweredSince, WindowExpiresAt: v.WindowExpiresAt,
		LastMessage: v.LastMessage,
	}
}

// want is one document in one view.
func want(kind, id string, doc any) ([]wanted, error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write an entry of %s:%s: %w", kind, id, err)
	}
	return []wanted{{hub.Channel(kind + ":" + id), raw}}, nil
}

// customer is the customer's name as the profile tells it.
func (s *source) customer() string {
	var p commerce.Profile
	if json.Unmarshal(s.entries[entryProfile], &p) != nil {
		return ""
	}
	return strings.TrimSpace(p.Traits["first_name"] + " " + p.Traits["last_name"])
}
