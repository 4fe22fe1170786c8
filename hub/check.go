package hub

import (
	"context"
	"slices"
	"time"
)

// runChecks holds followed channels against the log's end, and lets go of
// those that nobody follows any more.
func (h *Hub) runChecks(ctx context.Context) {
	interval := h.opts.CheckInterval
	if interval == 0 {
		interval = h.opts.Linger
	}
	if interval == 0 {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for i := range h.lines {
			h.checkShard(ctx, &h.lines[i])
		}
	}
}

func (h *Hub) checkShard(ctx context.Context, s *lineShard) {
	var idle, followed []*line
	s.mu.RLock()
	for _, l := range s.lines {
		if l.users == 0 && h.opts.Now().Sub(l.idle) >= h.opts.Linger {
			idle = append(idle, l)
		} else {
			followed = append(followed, l)
		}
	}
	s.mu.RUnlock()
	for _, l := range idle {
		h.unfollow(s, l)
	}
	if h.opts.CheckInterval == 0 {
		return
	}
	for batch := range slices.Chunk(followed, 256) {
		h.checkHeads(ctx, batch)
	}
}

func (h *Hub) checkHeads(ctx context.Context, lines []*line) {
	var names []Channel
	var behind []*line
	for _, l := range lines {
		l.mu.Lock()
		if l.anchored {
			names, behind = append(names, l.name), append(behind, l)
		}
		l.mu.Unlock()
	}
	if len(names) == 0 {
		return
	}
	heads, err := h.engine.Heads(ctx, names)
	if err != nil {
		return // the probe says so
	}
	for i, l := range behind {
		l.mu.Lock()
		switch {
		case l.pos.Epoch != heads[i].Epoch:
			h.lose(l, heads[i])
		case l.pos.Offset < heads[i].Offset:
			h.repair(l)
		}
		l.mu.Unlock()
	}
}
