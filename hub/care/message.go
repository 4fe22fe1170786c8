package care

import (
	"maps"
	"strings"

	"github.com/samepage/samepage/hub"
)

// Bounds of what is said.
const (
	MaxText        = 16 << 10 // bytes of a message
	MaxMessages    = 50       // public messages of a conversation in the snapshot, and as many notes
	MaxAttachments = 10
	previewLength  = 120 // runes
)

// AuthorType is what kind of author a message has.
type AuthorType string

// The types of author.
const (
	AuthorCustomer AuthorType = "customer"
	AuthorAgent    AuthorType = "agent"
	AuthorBot      AuthorType = "bot"
)

// Author is who wrote a message.
type Author struct {
	Type AuthorType `json:"type"`
	ID   string     `json:"id,omitempty"`
	Name string     `json:"name,omitempty"`
}

// Kind is what a message is made of.
type Kind string

// The kinds of message.
const (
	KindText       Kind = "text"
	KindAttachment Kind = "attachment"
	KindNote       Kind = "note"
)

// Delivery is how far a message got on its way.
type Delivery string

// The states of delivery, in order; failed is the end of what was only sent.
const (
	DeliverySent      Delivery = "sent"
	DeliveryDelivered Delivery = "delivered"
	DeliveryRead      Delivery = "read"
	DeliveryFailed    Delivery = "failed"
)

// Message is the document of message/CONVERSATION/ID.
type Message struct {
	Author      Author                `json:"author"`
	Kind        Kind                  `json:"kind"`
	Private     bool                  `json:"private,omitempty"`
	Body        string                `json:"body"`
	Attachments map[string]Attachment `json:"attachments,omitempty"`
	Seq         int64                 `json:"seq"` // 1, 2, 3 … among the messages, or among the notes
	SentAt      hub.Time              `json:"sent_at"`
	Delivery    Delivery              `json:"delivery,omitempty"`
	ExternalID  string                `json:"external_id,omitempty"` // on the channel it came by
	Bot         string                `json:"bot,omitempty"`         // the bot that had the thread then, and hears it
}

// Attachment is a file somewhere else.
type Attachment struct {
	Type string `json:"type"` // image, video, audio, file, location
	URL  string `json:"url"`
	Name string `json:"name,omitempty"`
	Size int64  `json:"size,omitempty"` // bytes
}

// add puts a message into the thread and takes out the oldest of its kind that
// no longer fits. A note makes room among notes only: nothing that a customer
// sees may tell that there was one.
func (c *Conversation) add(tx *hub.Tx, conversation, id string, m Message) {
	m.SentAt = hub.At(tx.Now)
	shelf := &c.Recent
	if m.Private {
		c.NoteSeq++
		m.Seq, shelf = c.NoteSeq, &c.Notes
	} else {
		c.Seq++
		m.Seq, m.Delivery = c.Seq, DeliverySent
		if side := string(m.Author.Type); c.Read[side] == c.Seq-1 {
			c.read(side, c.Seq) // who had read all has read their own words too
		}
		if c.Owner.Type == OwnerBot {
			m.Bot = c.Owner.ID
		}
		c.LastMessage = &Preview{Message: id, Author: m.Author.Type, Text: preview(m.Body), At: m.SentAt}
	}
	if *shelf == nil {
		*shelf = map[string]int64{}
	}
	for old, seq := range maps.Clone(*shelf) {
		if seq <= m.Seq-MaxMessages {
			delete(*shelf, old)
			tx.Delete(MessageKey(conversation, old))
		}
	}
	(*shelf)[id] = m.Seq
	tx.Put(MessageKey(conversation, id), m)
}

// read notes how far a side has read.
func (c *Conversation) read(side string, upTo int64) {
	if c.Read == nil {
		c.Read = map[string]int64{}
	}
	c.Read[side] = upTo
}

// same reports whether m says what o says: the same words sent twice.
func (m Message) same(o Message) bool {
	return m.Author == o.Author && m.Kind == o.Kind && m.Private == o.Private && m.Body == o.Body &&
		maps.Equal(m.Attachments, o.Attachments)
}

func preview(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > previewLength {
		return string(runes[:previewLength-1]) + "…"
	}
	return text
}

// further reports whether a message that got as far as d can be said to have got to next.
func (d Delivery) further(next Delivery) bool {
	rank := map[Delivery]int{DeliverySent: 1, DeliveryDelivered: 2, DeliveryRead: 3}
	if next == DeliveryFailed {
		return d == DeliverySent
	}
	return d != DeliveryFailed && rank[next] > rank[d]
}
