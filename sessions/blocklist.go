package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/samepage/samepage/hub"
)

// blocklist is this node's copy of [Blocks]. It is made anew whenever the
// channel moves; who asks it waits for nothing but the first copy.
//
//	hub.Feed ── an event, or Lost ─┐
//	every blockCheck ──────────────┴─► hub.State ── moved? ──► copy ──► sweep: close whoever is blocked now
//
// The feed makes it quick; that the log's end is looked at besides makes it
// sure, on a node that was cut off as well.
type blocklist struct {
	ready chan struct{} // closed with the first copy
	copy  atomic.Pointer[blockCopy]

	mu      sync.Mutex // guards the following field
	watches map[*watch]struct{}
}

// blockCopy is [Blocks] as of one position. It is not changed.
type blockCopy struct {
	position hub.Position
	blocked  map[string]blocked // by key
	tokens   bool               // there are tokens among them
}

type blocked struct {
	version uint64
	until   time.Time // zero: for good
}

// Times of the copy.
const (
	blockCheck = 400 * time.Millisecond // how often the log's end is looked at, and how soon a failure is tried again
	blockWait  = 5 * time.Second        // how long a door waits for the first copy
	blockLoad  = 2 * time.Second        // how long one look may take
	blockCut   = 500 * time.Millisecond // how long a blocked socket has to say goodbye
)

func newBlocklist() *blocklist {
	return &blocklist{ready: make(chan struct{}), watches: map[*watch]struct{}{}}
}

// wait is false if there is no copy yet, and none came in time.
func (b *blocklist) wait(ctx context.Context) bool {
	select {
	case <-b.ready:
		return true
	default:
	}
	limit := time.NewTimer(blockWait)
	defer limit.Stop()
	select {
	case <-b.ready:
		return true
	case <-limit.C:
	case <-ctx.Done():
	}
	return false
}

// names is the kind of block that keeps an identity out, "" if there is none.
func (b *blocklist) names(id *Identity, now time.Time) string {
	c := b.copy.Load()
	switch {
	case c == nil || len(c.blocked) == 0:
		return ""
	case id.TokenID != "" && c.stands(blockToken+"/"+id.TokenID, now):
		return blockToken
	case id.ID != "" && c.stands(blockUser+"/"+id.ID, now):
		return blockUser
	case id.Device != "" && c.stands(blockDevice+"/"+id.Device, now):
		return blockDevice
	}
	return ""
}

// token reports whether a token is blocked, by its jti.
func (b *blocklist) token(jti string, now time.Time) bool {
	c := b.copy.Load()
	return c != nil && jti != "" && c.tokens && c.stands(blockToken+"/"+jti, now)
}

func (c *blockCopy) stands(key string, now time.Time) bool {
	e, ok := c.blocked[key]
	return ok && (e.until.IsZero() || now.Before(e.until))
}

// after is the copy of a state, made of the one before where entries are the same.
func (c *blockCopy) after(s hub.State) *blockCopy {
	next := &blockCopy{position: s.Position, blocked: make(map[string]blocked, len(s.Entries))}
	for key, e := range s.Entries {
		next.tokens = next.tokens || hub.EntryKind(key) == blockToken
		if c != nil && c.position.Epoch == s.Position.Epoch {
			if known, ok := c.blocked[key]; ok && known.version == e.Version {
				next.blocked[key] = known
				continue
			}
		}
		known := blocked{version: e.Version}
		var doc Block
		if json.Unmarshal(e.Doc, &doc) == nil && doc.Until != nil { // what is not readable holds
			known.until = doc.Until.Time
		}
		next.blocked[key] = known
	}
	return next
}

// runBlocks keeps the copy until ctx ends.
func (s *Server) runBlocks(ctx context.Context) {
	held := false
	for ctx.Err() == nil {
		err := s.followBlocks(ctx, &held)
		if ctx.Err() != nil || errors.Is(err, hub.ErrLost) {
			continue
		}
		if !held {
			s.log.Warn("blocks cannot be followed now; those known hold", "err", err)
			held = true
		}
		select {
		case <-time.After(blockCheck):
		case <-ctx.Done():
		}
	}
}

// followBlocks attaches and copies until the thread is lost or ctx ends.
func (s *Server) followBlocks(ctx context.Context, held *bool) error {
	news := &blockNews{moved: make(chan hub.Position, 1), lost: make(chan struct{})}
	feed, err := s.hub.Attach(ctx, Blocks, true, news)
	if err != nil {
		return err
	}
	defer feed.Close()
	tick := time.NewTicker(blockCheck)
	defer tick.Stop()
	for at := (hub.Position{}); ; {
		err := s.copyBlocks(ctx, at)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if (err != nil) != *held {
			*held = err != nil
			if err != nil {
				s.log.Warn("blocks cannot be read now; those known hold", "err", err)
			} else {
				s.log.Info("blocks can be read again")
			}
		}
		at = hub.Position{}
		select {
		case at = <-news.moved:
		case <-tick.C:
		case <-news.lost:
			return hub.ErrLost
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// copyBlocks looks at the channel, at least as of at, and closes whoever is blocked now.
func (s *Server) copyBlocks(ctx context.Context, at hub.Position) error {
	ctx, cancel := context.WithTimeout(ctx, blockLoad)
	defer cancel()
	state, err := s.hub.State(ctx, Blocks, at)
	if err != nil {
		return err
	}
	known := s.blocks.copy.Load()
	if known != nil && known.position == state.Position {
		return nil
	}
	next := known.after(state)
	s.blocks.copy.Store(next)
	if known == nil {
		close(s.blocks.ready)
	}
	s.sweep(next)
	return nil
}

// blockNews is a [hub.Sink] that notes how far the channel has moved.
type blockNews struct {
	moved chan hub.Position
	lost  chan struct{}
}

// Deliver implements [hub.Sink].
func (n *blockNews) Deliver(m *hub.Message) {
	if m.Position.Offset == 0 {
		return
	}
	select {
	case <-n.moved: // it will be looked at with this one
	default:
	}
	n.moved <- m.Position // calls come one at a time: there is room
}

// Lost implements [hub.Sink].
func (n *blockNews) Lost(error) { close(n.lost) }
