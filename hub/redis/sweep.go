package redis

import (
	"context"
	"math/rand/v2"
	"strconv"

	"github.com/samepage/samepage/hub"
)

// sweep lets go of plain channels whose position has expired, a partition at a
// time. Everything else that expires carries its time to live in Redis itself.
func (e *Engine) sweep() {
	ctx, cancel := context.WithTimeout(e.ctx, 10*e.opts.Timeout)
	defer cancel()
	now := strconv.FormatInt(e.millis(), 10)
	first := rand.N(e.Partitions()) // other nodes are at it too
	for i := range e.Partitions() {
		p := (first + i) % e.Partitions()
		reply, err := e.call(ctx, p, []any{"ZRANGE", e.keys.of(p, keyForget), "-inf", now, "BYSCORE", "LIMIT", 0, 256}, nil, false)
		if err != nil {
			return
		}
		names, _ := reply.([]any)
		channels := make([]hub.Channel, len(names))
		for i, v := range names {
			channels[i] = hub.Channel(text(v))
		}
		if len(channels) > 0 {
			if _, err := e.Heads(ctx, channels); err != nil { // whoever asks for an expired position ends it
				return
			}
		}
	}
}
