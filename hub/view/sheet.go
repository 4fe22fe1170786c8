package view

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/samepage/samepage/hub"
)

// origin is what an entry of a view was derived from: order/ID or
// conversation/ID of a context, or offer/ID for the offer that a conversation holds.
type origin struct {
	context hub.Channel
	key     string
}

// sheet is what a board, queue or desk holds, as far as we know: nobody else
// writes it, and if somebody does, the next commit finds out.
type sheet struct {
	name hub.Channel

	mu     sync.Mutex // guards the following fields
	loaded bool
	rows   map[string]row
}

// row is an entry of a sheet.
type row struct {
	hub.Entry
	of     origin
	doneAt string // of a done ticket
}

// newRow reads off a document where it comes from.
func newRow(key string, e hub.Entry) row {
	var d struct {
		Context      string `json:"context"`
		Order        string `json:"order"`
		Conversation string `json:"conversation"`
		Column       string `json:"column"`
		DoneAt       string `json:"done_at"`
	}
	r := row{Entry: e}
	if json.Unmarshal(e.Doc, &d) != nil || d.Context == "" {
		return r
	}
	r.of.context = hub.Channel(hub.KindContext + ":" + d.Context)
	r.of.key = hub.EntryKind(key) + "/" + cmp.Or(d.Order, d.Conversation)
	if d.Column == columnDone {
		r.doneAt = d.DoneAt
	}
	return r
}

// loadSheets reads all views there are.
func (v *Views) loadSheets(ctx context.Context) error {
	for _, kind := range []string{hub.KindBoard, hub.KindQueue, hub.KindDesk} {
		for name, err := range v.engine.Channels(ctx, kind+":") {
			if err != nil {
				return fmt.Errorf("list views: %w", err)
			}
			if err := v.reload(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// sheet is a view, read from the store at its first use.
func (v *Views) sheet(ctx context.Context, name hub.Channel) (*sheet, error) {
	v.mu.Lock()
	s, ok := v.sheets[name]
	if !ok {
		s = &sheet{name: name}
		v.sheets[name] = s
	}
	v.mu.Unlock()
	s.mu.Lock()
	loaded := s.loaded
	s.mu.Unlock()
	if loaded {
		return s, nil
	}
	return s, v.reload(ctx, name)
}

// reload reads a view from the store.
func (v *Views) reload(ctx context.Context, name hub.Channel) error {
	v.mu.Lock()
	s, ok := v.sheets[name]
	if !ok {
		s = &sheet{name: name}
		v.sheets[name] = s
	}
	v.mu.Unlock()
	s.mu.Lock() // held over the load: a commit that is noted meanwhile is noted after it
	defer s.mu.Unlock()
	snapshot, err := v.engine.Load(ctx, name)
	if err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	for key, r := range s.rows {
		v.stoodAt(r.of, name, key)
	}
	s.rows = make(map[string]row, len(snapshot.Entries))
	for key, e := range snapshot.Entries {
		s.rows[key] = newRow(key, e)
		v.standsAt(s.rows[key].of, name, key)
	}
	s.loaded = true
	return nil
}

// noted is called with what a commit at a version left behind.
func (v *Views) noted(s *sheet, version uint64, changed map[string]json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, doc := range changed {
		old, was := s.rows[key]
		if was && old.Version >= version {
			continue // reloaded meanwhile
		}
		if was {
			v.stoodAt(old.of, s.name, key)
			delete(s.rows, key)
		}
		if doc != nil {
			s.rows[key] = newRow(key, hub.Entry{Version: version, Doc: doc})
			v.standsAt(s.rows[key].of, s.name, key)
		}
	}
}

func (v *Views) standsAt(o origin, name hub.Channel, key string) {
	if o.context == "" {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stands[o] == nil {
		v.stands[o] = map[hub.Channel]string{}
	}
	v.stands[o][name] = key
}

func (v *Views) stoodAt(o origin, name hub.Channel, key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stands[o][name] == key {
		delete(v.stands[o], name)
		if len(v.stands[o]) == 0 {
			delete(v.stands, o)
		}
	}
}

// id is the part of a key behind its kind.
func id(key string) string {
	_, id, _ := strings.Cut(key, "/")
	return id
}

// standing is everything that stands in a view, as of now.
func (v *Views) standing() map[origin]bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make(map[origin]bool, len(v.stands))
	for o := range v.stands {
		all[o] = true
	}
	return all
}

// places is where an order or conversation stands, and under which keys.
func (v *Views) places(o origin) map[hub.Channel]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.stands[o])
}
