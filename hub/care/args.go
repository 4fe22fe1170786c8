package care

import "github.com/samepage/samepage/hub"

// Bounds of arguments, in bytes unless said otherwise.
const (
	maxID      = 100
	maxWord    = 200
	maxSummary = 2 << 10
	maxSlots   = 2 << 10 // names and values together
	maxURL     = 2 << 10
	maxList    = 20 // items of skills and tags
)

// thread is what all commands say that are about a conversation.
type thread struct {
	Conversation string `json:"conversation"`
}

func (t thread) about() string { return t.Conversation }

func (t thread) Check(f hub.Faults) { checkID(f, "/conversation", t.Conversation, true) }

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
	thread
	Message     string                `json:"message"`
	Text        string                `json:"text"`
	Attachments map[string]Attachment `json:"attachments"`
}

func (a postArgs) Check(f hub.Faults) {
	a.thread.Check(f)
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
	thread
	Message string `json:"message"` // up to this one; left out: up to seq, or all there is
	Seq     int64  `json:"seq"`
}

func (a readArgs) Check(f hub.Faults) {
	a.thread.Check(f)
	checkID(f, "/message", a.Message, false)
	if a.Seq < 0 {
		f.Add("/seq", "must be at least 0")
	}
}

type deliveryArgs struct {
	thread
	Message string   `json:"message"`
	State   Delivery `json:"state"`
}

func (a deliveryArgs) Check(f hub.Faults) {
	a.thread.Check(f)
	checkID(f, "/message", a.Message, true)
	switch a.State {
	case DeliverySent, DeliveryDelivered, DeliveryRead, DeliveryFailed:
	default:
		f.Add("/state", "must be sent, delivered, read or failed")
	}
}

type escalateArgs struct {
	thread
	Reason   string            `json:"reason"`
	Summary  string            `json:"summary"`
	Slots    map[string]string `json:"slots"`
	Skills   []string          `json:"skills"`
	Priority int               `json:"priority"`
	Queue    string            `json:"queue"`
}

func (a escalateArgs) Check(f hub.Faults) {
	a.thread.Check(f)
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
	thread
	Reason string `json:"reason"`
}

func (a conversationArgs) Check(f hub.Faults) {
	a.thread.Check(f)
	checkWord(f, "/reason", a.Reason, false)
}

type transferArgs struct {
	thread
	To   partyArgs `json:"to"`
	Kind OfferKind `json:"kind"` // left out: cold
	Note string    `json:"note"`
}

type partyArgs struct {
	Type PartyType `json:"type"`
	ID   string    `json:"id"`
}

func (a transferArgs) Check(f hub.Faults) {
	a.thread.Check(f)
	checkID(f, "/to/id", a.To.ID, true)
	if a.To.Type != PartyAgent && a.To.Type != PartyQueue {
		f.Add("/to/type", "must be agent or queue")
	}
	if a.Kind != "" && a.Kind != OfferCold && a.Kind != OfferWarm {
		f.Add("/kind", "must be cold or warm")
	}
	checkLength(f, "/note", a.Note, maxSummary)
}

// offerArgs answer an offer: the one there is, or one in particular.
type offerArgs struct {
	thread
	Offer string `json:"offer"`
}

func (a offerArgs) Check(f hub.Faults) {
	a.thread.Check(f)
	checkID(f, "/offer", a.Offer, false)
}

// means reports whether an offer is the one that is answered.
func (a offerArgs) means(o *Offer) bool { return a.Offer == "" || a.Offer == o.ID }

type declineArgs struct {
	offerArgs
	Reason string `json:"reason"`
}

func (a declineArgs) Check(f hub.Faults) {
	a.offerArgs.Check(f)
	checkWord(f, "/reason", a.Reason, false)
}

type snoozeArgs struct {
	thread
	Until *hub.Time `json:"until"` // left out: until the customer writes
}

func (a snoozeArgs) Check(f hub.Faults) { a.thread.Check(f) }

type wrapUpArgs struct {
	thread
	Tags    []string `json:"tags"`
	Summary string   `json:"summary"`
}

func (a wrapUpArgs) Check(f hub.Faults) {
	a.thread.Check(f)
	checkList(f, "/tags", a.Tags)
	checkLength(f, "/summary", a.Summary, maxSummary)
}
