package hub

import (
	"context"
	"time"
)

// DefaultIdempotencyTTL is how long an idempotency key of a publication is known.
const DefaultIdempotencyTTL = 5 * time.Minute

// Publication is what a client or a backend publishes to a plain channel.
type Publication struct {
	Data []byte            // JSON, or any bytes where the channel is used in binary
	Info *ClientInfo       // the client that published; nil for backends
	Tags map[string]string // free for applications

	SkipHistory    bool
	IdempotencyKey string
	Version        uint64 // with a version, one that is not newer than the last is dropped
	VersionEpoch   string
}

// Publish takes a publication of a plain channel and returns its position,
// with offset 0 where the channel keeps no history. ErrUnknownChannel if no
// namespace is configured for it or its kind holds entries, ErrFormat if the
// data are not of the format that its namespace asks for.
func (h *Hub) Publish(ctx context.Context, name Channel, p Publication) (Position, error) {
	opts, ok := h.opts.Namespaces.Options(name)
	if !ok || name.HasEntries() {
		return Position{}, ErrUnknownChannel
	}
	if !opts.formatted(p.Data) {
		return Position{}, ErrFormat
	}
	m := &Message{
		Channel: name, Type: MessagePublication, Data: p.Data, Info: p.Info, Tags: p.Tags,
		Time: h.opts.Now().UnixMilli(),
	}
	keep := PublishOptions{IdempotencyKey: p.IdempotencyKey, Version: p.Version, VersionEpoch: p.VersionEpoch}
	if p.IdempotencyKey != "" {
		keep.IdempotencyTTL = DefaultIdempotencyTTL
	}
	if opts.Recoverable() && !p.SkipHistory {
		keep.HistorySize, keep.HistoryTTL = opts.HistorySize, time.Duration(opts.HistoryTTL)
		keep.HistoryMetaTTL, keep.Durable = time.Duration(opts.HistoryMetaTTL), opts.HistoryDurable
		if keep.HistoryMetaTTL == 0 {
			keep.HistoryMetaTTL = DefaultHistoryMetaTTL
		}
	}
	return h.engine.Publish(ctx, m, keep)
}

// RemoveHistory forgets a plain channel's publications.
func (h *Hub) RemoveHistory(ctx context.Context, name Channel) error {
	if name.HasEntries() {
		return ErrUnknownChannel
	}
	return h.engine.RemoveHistory(ctx, name)
}

// Send carries a message that is not stored to a channel's followers: a
// signal, a join, a leave. At most once.
func (h *Hub) Send(ctx context.Context, m *Message) error { return h.engine.Send(ctx, m) }
