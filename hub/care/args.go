package care

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/samepage/samepage/hub"
)

// Bounds of arguments, in bytes unless said otherwise.
const (
	maxID      = 100
	maxWord    = 200
	maxSummary = 2 << 10
	maxSlots   = 2 << 10 // names and values together
	maxURL     = 2 << 10
	maxList    = 20 // items of skills and tags
)

type openArgs struct {
	Conversation string `json:"conversation"`
	Channel      string `json:"channel"`
	Address      string `json:"address"`
	Queue        string `json:"queue"`
	Subject      string `json:"subject"`
}

func (a openArgs) Check(f hub.Faults) {
	checkID(f, "/conversation", a.Conversation, false)
	checkID(f, "/channel", a.Channel, true)
	checkID(f, "/queue", a.Queue, false)
	checkWord(f, "/address", a.Address, false)
	checkWord(f, "/subject", a.Subject, false)
}

type postArgs struct {
	Conversation string                `json:"conversation"`
	Message      string                `json:"message"`
	Text         string                `json:"text"`
	Attachments  map[string]Attachment `json:"attachments"`
}

func (a postArgs) Check(f hub.Faults) {
	checkID(f, "/conversation", a.Conversation, true)
	checkID(f, "/message", a.Message, false)
	checkWords(f, a.Text, a.Attachments)
}

type receiveArgs struct {
	Channel     string                `json:"channel"`
	Address     string                `json:"address"`
	ExternalID  string                `json:"external_id"`
	Text        string                `json:"text"`
	Attachments map[string]Attachment `json:"attachments"`
	Name        string                `json:"name"`
	Queue       string                `json:"queue"`
	SentAt      *hub.Time             `json:"sent_at"`
}

func (a receiveArgs) Check(f hub.Faults) {
	checkID(f, "/channel", a.Channel, true)
	checkWord(f, "/address", a.Address, true)
	checkWord(f, "/external_id", a.ExternalID, true)
	checkWord(f, "/name", a.Name, false)
	checkID(f, "/queue", a.Queue, false)
	checkWords(f, a.Text, a.Attachments)
}

type readArgs struct {
	Conversation string `json:"conversation"`
	Message      string `json:"message"` // up to this one; left out: up to seq, or all there is
	Seq          int64  `json:"seq"`
}

func (a readArgs) Check(f hub.Faults) {
	checkID(f, "/conversation", a.Conversation, true)
	checkID(f, "/message", a.Message, false)
	if a.Seq < 0 {
		f.Add("/seq", "must be at least 0")
	}
}

type deliveryArgs struct {
	Conversation string   `json:"conversation"`
	Message      string   `json:"message"`
	State        Delivery `json:"state"`
}

func (a deliveryArgs) Check(f hub.Faults) {
	checkID(f, "/conversation", a.Conversation, true)
	checkID(f, "/message", a.Message, true)
	switch a.State {
	case DeliverySent, DeliveryDelivered, DeliveryRead, DeliveryFailed:
	default:
		f.Add("/state", "must be sent, delivered, read or failed")
	}
}

type escalateArgs struct {
	Conversation string            `json:"conversation"`
	Reason       string            `json:"reason"`
	Summary      string            `json:"summary"`
	Slots        map[string]string `json:"slots"`
	Skills       []string          `json:"skills"`
	Priority     int               `json:"priority"`
	Queue        string            `json:"queue"`
}

func (a escalateArgs) Check(f hub.Faults) {
	checkID(f, "/conversation", a.Conversation, true)
	checkWord(f, "/reason", a.Reason, true)
	checkID(f, "/queue", a.Queue, false)
	checkLength(f, "/summary", a.Summary, maxSummary)
	size := 0
	for name, value := range a.Slots {
		size += len(name) + len(value)
	}
	if size > maxSlots {
		f.Add("/slots", "must have at most %d bytes together", maxSlots)
	}
	checkList(f, "/skills", a.Skills)
	if a.Priority < -100 || a.Priority > 100 {
		f.Add("/priority", "must be between -100 and 100")
	}
}

// conversationArgs is what a command says that only names its conversation.
type conversationArgs struct {
	Conversation string `json:"conversation"`
	Reason       string `json:"reason"`
}

func (a conversationArgs) Check(f hub.Faults) {
	checkID(f, "/conversation", a.Conversation, true)
	checkWord(f, "/reason", a.Reason, false)
}

type snoozeArgs struct {
	Conversation string    `json:"conversation"`
	Until        *hub.Time `json:"until"` // left out: until the customer writes
}

func (a snoozeArgs) Check(f hub.Faults) { checkID(f, "/conversation", a.Conversation, true) }

type wrapUpArgs struct {
	Conversation string   `json:"conversation"`
	Tags         []string `json:"tags"`
	Summary      string   `json:"summary"`
}

func (a wrapUpArgs) Check(f hub.Faults) {
	checkID(f, "/conversation", a.Conversation, true)
	checkList(f, "/tags", a.Tags)
	checkLength(f, "/summary", a.Summary, maxSummary)
}

// checkID takes what can be part of an entry's key and of a channel's name.
func checkID(f hub.Faults, at, id string, required bool) {
	switch {
	case id == "" && required:
		f.Add(at, "required")
	case len(id) > maxID:
		f.Add(at, "must have at most %d bytes", maxID)
	case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f || r == utf8.RuneError }):
		f.Add(at, "must hold no slash, space or control character")
	}
}

func checkWord(f hub.Faults, at, word string, required bool) {
	if required && strings.TrimSpace(word) == "" {
		f.Add(at, "required")
	}
	checkLength(f, at, word, maxWord)
}

func checkLength(f hub.Faults, at, text string, limit int) {
	if len(text) > limit {
		f.Add(at, "must have at most %d bytes", limit)
	}
}

func checkList(f hub.Faults, at string, list []string) {
	if len(list) > maxList {
		f.Add(at, "must have at most %d items", maxList)
	}
	for _, item := range list {
		checkWord(f, at, item, true)
	}
}

func checkWords(f hub.Faults, text string, attachments map[string]Attachment) {
	if strings.TrimSpace(text) == "" && len(attachments) == 0 {
		f.Add("/text", "required where nothing is attached")
	}
	if len(attachments) > MaxAttachments {
		f.Add("/attachments", "must be at most %d", MaxAttachments)
		return
	}
	for id, a := range attachments {
		at := "/attachments/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(id)
		checkID(f, at, id, true)
		switch a.Type {
		case "image", "video", "audio", "file", "location":
		default:
			f.Add(at+"/type", "must be image, video, audio, file or location")
		}
		if u, err := url.Parse(a.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(a.URL) > maxURL {
			f.Add(at+"/url", "must be an http or https address of at most %d bytes", maxURL)
		}
		checkWord(f, at+"/name", a.Name, false)
		if a.Size < 0 {
			f.Add(at+"/size", "must be at least 0")
		}
	}
}

// tooLong is nil unless a text is longer than a message may be.
func tooLong(text string) *hub.Problem {
	if len(text) <= MaxText {
		return nil
	}
	return hub.Problemf(hub.CodeTooLarge, "a message has at most %d bytes", MaxText).
		With(map[string]any{"pointer": "/text", "limit": MaxText, "size": len(text)})
}

// mayEnd reports whether a time is one that something can wait for.
func mayEnd(at hub.Time, now time.Time) bool {
	return at.After(now) && at.Before(now.Add(366*24*time.Hour))
}
