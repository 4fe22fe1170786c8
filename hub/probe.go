package hub

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

// probePrefix marks the hub's own control messages.
const probePrefix = "probe "

// probe is the hub's proof that it works: a message sent through the engine
// that came back, and a store that takes writes.
type probe struct {
	mu   sync.Mutex // guards the following fields
	name string
	back chan struct{} // gets a token when the awaited message came

	heard chan struct{} // closed when the first message came back: the hub listens
	once  sync.Once

	want string
	err  error
	at   time.Time
}

func (p *probe) init() {
	p.name = rand.Text()
	p.back = make(chan struct{}, 1)
	p.heard = make(chan struct{})
	p.err = fmt.Errorf("the hub has not started yet")
}

// Ready is nil if, within the last seconds, a message came back through the
// engine and the store took a write; else the reason.
func (h *Hub) Ready() error {
	h.probe.mu.Lock()
	defer h.probe.mu.Unlock()
	if h.probe.err != nil {
		return h.probe.err
	}
	if age := time.Since(h.probe.at); age > 5*h.opts.ProbeInterval {
		return fmt.Errorf("the last probe came back %s ago", age.Round(time.Second))
	}
	return nil
}

func (h *Hub) runProbe(ctx context.Context) {
	tick := time.NewTicker(h.opts.ProbeInterval)
	defer tick.Stop()
	for n := 0; ; n++ {
		err := h.probeOnce(ctx, n)
		if ctx.Err() != nil {
			return
		}
		h.probe.mu.Lock()
		if (err == nil) != (h.probe.err == nil) {
			h.log.Info("readiness changed", "ready", err == nil, "reason", err)
		}
		h.probe.err, h.probe.at = err, time.Now()
		h.probe.mu.Unlock()
		wait := tick.C
		if err != nil && n == 0 { // listening may just be starting
			wait = time.After(50 * time.Millisecond)
		}
		select {
		case <-ctx.Done():
			return
		case <-wait:
		}
	}
}

// resend is how long a probe waits before it is sent again: the first ones go
// out while the engine is only beginning to listen.
const resend = 25 * time.Millisecond

func (h *Hub) probeOnce(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, max(h.opts.ProbeInterval, time.Second))
	defer cancel()
	want := fmt.Sprintf("%s%s %d", probePrefix, h.probe.name, n)
	h.probe.mu.Lock()
	h.probe.want = want
	h.probe.mu.Unlock()
	select {
	case <-h.probe.back: // a late one
	default:
	}
	for back := false; !back; {
		if err := h.engine.Send(ctx, &Message{Type: MessageControl, Data: []byte(want)}); err != nil {
			return fmt.Errorf("the engine carries no messages: %w", err)
		}
		select {
		case <-h.probe.back:
			back = true
		case <-time.After(resend):
		case <-ctx.Done():
			return fmt.Errorf("a message sent through the engine did not come back")
		}
	}
	h.probe.once.Do(func() { close(h.probe.heard) })
	if err := h.engine.Check(ctx); err != nil {
		return fmt.Errorf("the store takes no writes: %w", err)
	}
	return nil
}

// control takes what nodes say to each other.
func (h *Hub) control(data []byte) {
	if !bytes.HasPrefix(data, []byte(probePrefix)) {
		if h.opts.OnControl != nil {
			h.opts.OnControl(data)
		}
		return
	}
	h.probe.mu.Lock()
	defer h.probe.mu.Unlock()
	if string(data) == h.probe.want {
		select {
		case h.probe.back <- struct{}{}:
		default:
		}
	}
}

// SendControl sends data to Options.OnControl of every node, this one
// included; at most once.
func (h *Hub) SendControl(ctx context.Context, data []byte) error {
	return h.engine.Send(ctx, &Message{Type: MessageControl, Data: data})
}
