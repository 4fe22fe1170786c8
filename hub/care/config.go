package care

import "time"

// What a shop gets that says nothing else.
const (
	DefaultQueue           = "support"
	DefaultCapacity        = 4
	DefaultReopenWindow    = 7 * 24 * time.Hour
	DefaultWrapUp          = time.Minute
	DefaultTransferTimeout = time.Minute
)

// Config is what a shop decides about its conversations. The zero value works.
type Config struct {
	DefaultQueue string           // where a conversation goes that names no queue. Defaults to "support".
	Queues       map[string]Queue // by name. If there are any, no other queue is known but the default one.
	ReopenWindow time.Duration    // how long a resolved conversation can be reopened. Defaults to 7 days.
	WrapUp       time.Duration    // how long an agent may finish up after resolving. Defaults to 60 s; negative: none.
	Capacity     int              // conversations an agent can own whose token does not say. Defaults to 4.
	// TransferTimeout is how long an offered conversation waits for an answer. Defaults to 60 s.
	TransferTimeout time.Duration
	// Windows says for how long after the customer's last word a channel lets us
	// answer. Nil: 24 h on whatsapp, instagram and messenger. A channel that is
	// not listed has no such rule.
	Windows map[string]time.Duration
}

// Queue is where conversations wait for agents.
type Queue struct {
	Bot     string // id of the bot that answers first; "": none
	BotName string // how customers know it
}

func (c Config) withDefaults() Config {
	if c.DefaultQueue == "" {
		c.DefaultQueue = DefaultQueue
	}
	if c.ReopenWindow == 0 {
		c.ReopenWindow = DefaultReopenWindow
	}
	if c.WrapUp == 0 {
		c.WrapUp = DefaultWrapUp
	}
	if c.TransferTimeout == 0 {
		c.TransferTimeout = DefaultTransferTimeout
	}
	if c.Capacity == 0 {
		c.Capacity = DefaultCapacity
	}
	if c.Windows == nil {
		c.Windows = map[string]time.Duration{
			"whatsapp": 24 * time.Hour, "instagram": 24 * time.Hour, "messenger": 24 * time.Hour,
		}
	}
	return c
}

// knows reports whether a queue can be named.
func (c Config) knows(queue string) bool {
	_, ok := c.Queues[queue]
	return ok || len(c.Queues) == 0 || queue == c.DefaultQueue
}
