package redis

import (
	"context"
	_ "embed"
	"math/rand/v2"
	"strconv"
)

//go:embed sweep.lua
var sweepLua string

var sweepScript = newScript(writes + epochLua + sweepLua)

// sweep lets go of plain channels whose position has expired, a partition at a
// time. Everything else that expires carries its time to live in Redis itself.
// A channel that was published to stands too early in its partition's list, and
// is put at its right place when its turn comes.
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
		if len(names) == 0 {
			continue
		}
		keys, args := []string{e.keys.of(p, keyPartition), e.keys.of(p, keyForget)}, []any{e.word(), now}
		for _, v := range names {
			name := text(v)
			keys, args = append(keys, e.keys.of(p, keyPlain+name), e.keys.of(p, keyLog+name)), append(args, name)
		}
		if _, err := e.run(ctx, p, sweepScript, keys, args...); err != nil {
			return
		}
	}
}
