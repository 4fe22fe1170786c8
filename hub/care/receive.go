package care

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/samepage/samepage/hub"
)

// receive takes what a customer wrote elsewhere: into the thread that this
// channel and address have, reopened if need be, or into a new one. What was
// received before changes nothing.
func (r rules) receive(tx *hub.Tx, a receiveArgs) *hub.Problem {
	if p := tooLong(a.Text); p != nil {
		return p
	}
	queue, p := r.knownQueue(a.Queue, r.DefaultQueue)
	if p != nil {
		return p
	}
	message := externalID(a.Channel, plainAddress(a.Address), a.ExternalID)
	var id string
	var c Conversation
	for key := range tx.Keys("conversation/") {
		var known Conversation
		tx.Get(key, &known)
		if known.Channel != a.Channel || !sameAddress(known.Address, a.Address) {
			continue
		}
		if _, twice := known.Received[message]; twice {
			return nil
		}
		if known.Status == StatusResolved && !tx.Now.Before(known.ReopenUntil.Time) {
			continue
		}
		if id == "" || c.Status == StatusResolved && known.Status != StatusResolved || known.OpenedAt.After(c.OpenedAt.Time) && (known.Status != StatusResolved) == (c.Status != StatusResolved) {
			id, c = strings.TrimPrefix(key, "conversation/"), known
		}
	}
	if id == "" {
		if p := r.roomForOne(tx); p != nil {
			return p
		}
		id = tx.NewID("conversation")
		c = Conversation{Channel: a.Channel, Address: a.Address, Queue: queue, OpenedAt: hub.At(tx.Now)}
		r.begin(tx, id, &c)
	}
	if p := r.hear(tx, id, &c); p != nil {
		return p
	}
	c.noteReceived(message)
	author := Author{Type: AuthorCustomer, ID: tx.Command.On.ID(), Name: a.Name}
	c.add(tx, id, message, Message{Author: author, Kind: kindOf(a.Text), Body: a.Text, Attachments: a.Attachments, ExternalID: a.ExternalID})
	if a.SentAt != nil {
		tx.Occurred(a.SentAt.Time)
	}
	tx.Put(Key(id), c)
	tx.Emit("conversation.message_posted", said{Conversation: id, Message: message})
	return nil
}

// maxReceived is how many messages of other channels a thread knows again.
const maxReceived = 200

// noteReceived has the thread know a message again: it comes in once.
func (c *Conversation) noteReceived(message string) {
	if c.Received == nil {
		c.Received = map[string]int64{}
	}
	c.Received[message] = c.Seq + 1
	for len(c.Received) > maxReceived {
		oldest := message
		for id, seq := range c.Received {
			if seq < c.Received[oldest] {
				oldest = id
			}
		}
		delete(c.Received, oldest)
	}
}

// findWriter is the context of who writes from an address; a new one for somebody new.
func (r rules) findWriter(ctx context.Context, q *hub.Query, a receiveArgs) (hub.Channel, *hub.Problem) {
	handle := a.Channel
	if handle == "mail" {
		handle = "email"
	}
	args, err := json.Marshal(map[string]any{"type": handle, "value": a.Address, "create": true})
	if err != nil {
		return "", hub.Problemf(hub.CodeInternal, "an address cannot be encoded: %v", err)
	}
	answer := q.Do(ctx, hub.Command{Method: "context.resolve", Args: args})
	if p := answer.Problem; p != nil {
		if p.Code == hub.CodeInvalid {
			return "", hub.Faults{"/on": "required: by this channel and address nobody can be known"}.Problem()
		}
		return "", p
	}
	var found struct {
		Context string `json:"context"`
	}
	raw, err := json.Marshal(answer.Result)
	if err == nil {
		err = json.Unmarshal(raw, &found)
	}
	if err != nil || found.Context == "" {
		return "", hub.Problemf(hub.CodeInternal, "nobody is found by an address: %v", err)
	}
	return hub.Channel(hub.KindContext + ":" + found.Context), nil
}

// sameAddress reports whether two are one address, however a channel writes it
// today: a phone number with and without its plus and blanks, a name with its @.
func sameAddress(a, b string) bool { return a == b || plainAddress(a) == plainAddress(b) }

func plainAddress(a string) string {
	a = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(a)), "@")
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("+-. ()/", r) {
			return -1
		}
		return r
	}, a)
	if strings.Trim(digits, "0123456789") == "" {
		return digits
	}
	return a
}

// externalID makes a message's id of what its channel calls it.
func externalID(channel, address, id string) string {
	sum := sha256.Sum256([]byte(channel + "\x00" + address + "\x00" + id))
	return "x-" + hex.EncodeToString(sum[:16])
}
