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

// Owned is the document of conversation/ID of an agent's desk.
type Owned struct {
	thread
	OwnedAt      hub.Time `json:"owned_at,omitzero"`
	Unread       int64    `json:"unread,omitempty"`
	SnoozedUntil hub.Time `json:"snoozed_until,omitzero"`
	WrapUpUntil  hub.Time `json:"wrap_up_until,omitzero"`
}

// threads is where a conversation stands: in its queue, on a desk, or nowhere.
func threads(c *source, key string, doc json.RawMessage) ([]wanted, error) {
	var v care.Conversation
	if err := json.Unmarshal(doc, &v); err != nil {
		return nil, fmt.Errorf("read conversation: %w", err)
	}
	t := thread{
		Context: c.name.ID(), Conversation: id(key), Customer: c.customer(), Channel: v.Channel, Status: v.Status,
		Queue: v.Queue, Priority: v.Priority, Reason: v.Reason, Summary: v.Summary, Subject: v.Subject,
		WaitingSince: v.WaitingSince, UnansweredSince: v.UnansweredSince, WindowExpiresAt: v.WindowExpiresAt,
		LastMessage: v.LastMessage,
	}
	var name string
	var row any
	switch {
	case v.Status == care.StatusQueued:
		name, row = hub.KindQueue+":"+v.Queue, Waiting{thread: t, Skills: v.Skills, Slots: v.Slots}
	case v.Owner.Type == care.OwnerAgent:
		name, row = hub.KindDesk+":"+v.Owner.ID, Owned{
			thread: t, OwnedAt: v.OwnedAt, Unread: v.Seq - v.Read[string(care.AuthorAgent)],
			SnoozedUntil: v.SnoozedUntil, WrapUpUntil: v.WrapUpUntil,
		}
	default:
		return nil, nil
	}
	raw, err := json.Marshal(row)
	if err != nil {
		return nil, fmt.Errorf("write thread: %w", err)
	}
	return []wanted{{hub.Channel(name), raw}}, nil
}

// customer is the customer's name as the profile tells it.
func (s *source) customer() string {
	var p commerce.Profile
	if json.Unmarshal(s.entries[entryProfile], &p) != nil {
		return ""
	}
	return strings.TrimSpace(p.Traits["first_name"] + " " + p.Traits["last_name"])
}
