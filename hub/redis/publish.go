package redis

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"

	"github.com/samepage/samepage/hub"
)

//go:embed publish.lua
var publishLua string

var publishScript = newScript(writes + epochLua + publishLua)

// Publish implements [hub.Engine]. What is neither kept nor to be told apart
// by a key costs no script.
func (e *Engine) Publish(ctx context.Context, m *hub.Message, opts hub.PublishOptions) (hub.Position, error) {
	message, err := encodeMessage(e.stamped(m))
	if err != nil {
		return hub.Position{}, err
	}
	if err := e.fits(m.Channel, len(message)); err != nil {
		return hub.Position{}, err
	}
	p := e.keys.partition(m.Channel)
	if !opts.Keeps() && opts.IdempotencyKey == "" {
		return hub.Position{}, e.send(ctx, p, topicChannel+string(m.Channel), message)
	}
	name, now := string(m.Channel), e.millis()
	size, ends, ttl, until := 0, int64(0), int64(0), ""
	if opts.Keeps() {
		size, ttl = opts.HistorySize, max(opts.HistoryTTL.Milliseconds(), 1)
		ends = now + ttl
		if opts.HistoryMetaTTL > 0 {
			until = strconv.FormatInt(now+opts.HistoryMetaTTL.Milliseconds(), 10)
		}
	}
	var version string
	if opts.Version > 0 {
		version = fmt.Sprintf("%020d", opts.Version)
	}
	keys := []string{
		e.keys.of(p, keyPartition), e.keys.of(p, keyForget),
		e.keys.of(p, keyPlain+name), e.keys.of(p, keyLog+name), e.keys.of(p, keyPartition),
	}
	var keyTTL, keyEnds string
	if opts.IdempotencyKey != "" && opts.IdempotencyTTL > 0 {
		keys[4] = e.keys.of(p, keyAnswer+name+" "+opts.IdempotencyKey)
		ms := max(opts.IdempotencyTTL.Milliseconds(), 1)
		keyTTL, keyEnds = strconv.FormatInt(ms, 10), strconv.FormatInt(now+ms, 10)
	}
	reply, err := e.run(ctx, p, publishScript, keys,
		e.word(), now, name, message, e.publish, e.keys.topic(p, topicChannel+name),
		size, ends, ttl, until, version, opts.VersionEpoch, keyTTL, keyEnds)
	if err != nil {
		return hub.Position{}, err
	}
	r, err := list(reply, 2)
	if err != nil {
		return hub.Position{}, err
	}
	return position(r[0], r[1])
}

// Send implements [hub.Engine].
func (e *Engine) Send(ctx context.Context, m *hub.Message) error {
	message, err := encodeMessage(e.stamped(m))
	if err != nil {
		return err
	}
	if err := e.fits(m.Channel, len(message)); err != nil {
		return err
	}
	if m.Type == hub.MessageControl {
		return e.send(ctx, 0, topicControl, message)
	}
	return e.send(ctx, e.keys.partition(m.Channel), topicChannel+string(m.Channel), message)
}

// stamped is the message as this engine took it.
func (e *Engine) stamped(m *hub.Message) *hub.Message {
	taken := *m
	taken.Time = e.millis()
	return &taken
}

func (e *Engine) send(ctx context.Context, partition int, topic string, message []byte) error {
	_, err := e.call(ctx, partition, []any{e.publish, e.keys.topic(partition, topic), envelope(message)}, nil, false)
	return err
}

// RemoveHistory implements [hub.Engine].
func (e *Engine) RemoveHistory(ctx context.Context, name hub.Channel) error {
	if name.HasEntries() {
		return hub.ErrUnknownChannel
	}
	p := e.keys.partition(name)
	if _, err := e.call(ctx, p, []any{"HDEL", e.keys.of(p, keyPlain+string(name)), "ends", "mixed", "lives"}, nil, false); err != nil {
		return err
	}
	_, err := e.call(ctx, p, []any{"DEL", e.keys.of(p, keyLog+string(name))}, nil, false)
	return err
}
