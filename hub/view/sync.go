package view

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
)

// wanted is an entry as it should stand in a view.
type wanted struct {
	sheet hub.Channel
	doc   json.RawMessage
}

// derive is what the views should hold of an order, a conversation or its offer.
func (w *worker) derive(c *source, key string) []wanted {
	var all []wanted
	var err error
	switch hub.EntryKind(key) {
	case entryOrder:
		all, err = tickets(c, key)
	case entryConversation:
		all, err = threads(c, key)
	case entryOffer:
		all, err = offers(c, key)
	}
	if err != nil {
		w.log.Error("an entry cannot be read: it stands in no view", "channel", c.name, "key", key, "err", err)
		return nil
	}
	return slices.DeleteFunc(all, func(x wanted) bool { return x.sheet.Valid() != nil })
}

// origins are what views derive from an entry of a context.
func origins(key string) []string {
	switch hub.EntryKind(key) {
	case entryOrder:
		return []string{key}
	case entryConversation:
		return []string{key, entryOffer + "/" + id(key)}
	}
	return nil
}

// sync makes the views right for some origins of a context.
// because is the event that touched them, nil if there is none. Views are
// committed one by one, those that get something first.
func (w *worker) sync(ctx context.Context, c *source, keys []string, because *hub.Message) error {
	for {
		plan, err := w.plan(ctx, c, keys)
		if err != nil || len(plan) == 0 {
			return err
		}
		err = w.commit(ctx, plan[0], because)
		if errors.Is(err, hub.ErrConflict) {
			if err = w.reload(ctx, plan[0].sheet.name); err == nil {
				c, err = w.known.load(ctx, c.name)
			}
		}
		if err != nil {
			return err
		}
	}
}

// revision is what is to change in one view.
type revision struct {
	sheet *sheet
	rows  map[string]row             // as they stand, of the keys to change
	docs  map[string]json.RawMessage // nil: gone
	puts  bool
}

// plan compares what stands with what should.
func (w *worker) plan(ctx context.Context, c *source, keys []string) ([]*revision, error) {
	docs := map[hub.Channel]map[origin]json.RawMessage{}
	ask := func(name hub.Channel, o origin, doc json.RawMessage) {
		if docs[name] == nil {
			docs[name] = map[origin]json.RawMessage{}
		}
		docs[name][o] = doc
	}
	for _, key := range keys {
		o := origin{c.name, key}
		for name := range w.places(o) {
			ask(name, o, nil)
		}
		for _, want := range w.derive(c, key) {
			ask(want.sheet, o, want.doc)
		}
	}
	var plan []*revision
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		s, err := w.sheet(ctx, name)
		if err != nil {
			return nil, err
		}
		r, err := w.revise(s, docs[name])
		if err != nil {
			return nil, err
		}
		if len(r.docs) > 0 {
			plan = append(plan, r)
		}
	}
	slices.SortStableFunc(plan, func(a, b *revision) int {
		return cmp.Compare(b2i(b.puts), b2i(a.puts))
	})
	return plan, nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// revise says what to change in a view so that it holds these documents.
func (w *worker) revise(s *sheet, docs map[origin]json.RawMessage) (*revision, error) {
	r := &revision{sheet: s, rows: map[string]row{}, docs: map[string]json.RawMessage{}}
	after := map[string]row{} // what is to be put
	s.mu.Lock()
	defer s.mu.Unlock()
	for o, doc := range docs {
		key, stands := s.keyOf(o, w.places(o)[s.name])
		before := s.rows[key]
		switch {
		case doc == nil && !stands:
			continue
		case doc == nil:
			r.docs[key] = nil
		default:
			if stands && equal(before.Doc, doc) {
				continue
			}
			r.docs[key], r.puts = doc, true
			after[key] = newRow(key, hub.Entry{Doc: doc})
		}
	}
	switch s.name.Kind() {
	case hub.KindBoard:
		r.trim(s, after, w.opts.Shelf)
	case hub.KindDesk:
		if err := r.count(s, after); err != nil {
			return nil, err
		}
	}
	for key := range r.docs {
		r.rows[key] = s.rows[key]
	}
	return r, nil
}

// keyOf is the key under which an order or conversation stands, or is to
// stand. Ids are made by devices: one that is taken by another context's gets
// its context's name added, so that nobody can push another's ticket away.
func (s *sheet) keyOf(o origin, known string) (key string, stands bool) {
	if known != "" && s.rows[known].of == o {
		return known, true
	}
	if taken, ok := s.rows[o.key]; !ok || taken.of == o {
		return o.key, ok
	}
	key = o.key + "~" + o.context.ID()
	_, stands = s.rows[key]
	return key, stands
}

// trim takes out the done tickets that no longer fit on the shelf.
func (r *revision) trim(s *sheet, after map[string]row, shelf int) {
	type done struct{ key, at string }
	var all []done
	for key, row := range s.rows {
		if _, changes := r.docs[key]; !changes && row.doneAt != "" {
			all = append(all, done{key, row.doneAt})
		}
	}
	for key, row := range after {
		if row.doneAt != "" {
			all = append(all, done{key, row.doneAt})
		}
	}
	if len(all) <= shelf {
		return
	}
	slices.SortFunc(all, func(a, b done) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.key, a.key)) })
	for _, d := range all[shelf:] {
		if _, stands := s.rows[d.key]; stands {
			r.docs[d.key] = nil
		} else {
			delete(r.docs, d.key)
		}
	}
}

// count keeps an agent's load beside the conversations it counts.
func (r *revision) count(s *sheet, after map[string]row) error {
	var load care.Load
	some := false
	add := func(key string, doc json.RawMessage) error {
		if hub.EntryKind(key) == entryOffer {
			some = true
			load.Offered++
			return nil
		}
		var t thread
		if err := json.Unmarshal(doc, &t); err != nil {
			return fmt.Errorf("read %s: %w", s.name, err)
		}
		some = some || t.Status != care.StatusBot
		switch t.Status {
		case care.StatusAssigned:
			load.Assigned++
		case care.StatusSnoozed:
			load.Snoozed++
		case care.StatusWrapUp:
			load.WrapUp++
		}
		return nil
	}
	for key, row := range s.rows {
		if _, changes := r.docs[key]; !changes && key != care.LoadKey {
			if err := add(key, row.Doc); err != nil {
				return err
			}
		}
	}
	for key, row := range after {
		if err := add(key, row.Doc); err != nil {
			return err
		}
	}
	before, stands := s.rows[care.LoadKey]
	if !some {
		if stands {
			r.docs[care.LoadKey] = nil
		}
		return nil
	}
	doc, err := json.Marshal(load)
	if err != nil {
		return err
	}
	if stands && equal(before.Doc, doc) {
		return nil
	}
	r.docs[care.LoadKey] = doc
	return nil
}

func equal(a, b json.RawMessage) bool { return hub.Diff(a, b) == nil }

// from is what an event of a view tells of the event it comes from.
type from struct {
	Source struct {
		Channel hub.Channel `json:"channel"`
		Offset  uint64      `json:"offset"`
		At      hub.Time    `json:"at"`
		Type    string      `json:"type"`
	} `json:"source"`
}

// commit changes one view, if it still stands as it was.
func (w *worker) commit(ctx context.Context, r *revision, because *hub.Message) error {
	now := w.opts.Now()
	c := &hub.Commit{Channel: r.sheet.name, Now: now, Expect: map[string]uint64{}, Entries: r.docs}
	e := &hub.Event{Type: r.eventType(), At: hub.At(now), By: hub.Actor{Role: hub.RoleSystem}}
	for _, key := range slices.Sorted(maps.Keys(r.docs)) {
		before, after := r.rows[key], r.docs[key]
		c.Expect[key] = before.Version
		change := hub.Change{Key: key}
		switch {
		case after == nil:
			change.Gone = true
		case before.Version == 0:
			change.Doc = after
		default:
			change.Patch = hub.Diff(before.Doc, after)
		}
		e.Changes = append(e.Changes, change)
	}
	if because != nil {
		e.By, e.Cause, e.OccurredAt = because.Event.By, because.Event.Cause, because.Event.OccurredAt
		var data from
		data.Source.Channel, data.Source.Offset = because.Channel, because.Position.Offset
		data.Source.At, data.Source.Type = because.Event.At, because.Event.Type
		raw, err := json.Marshal(data)
		if err != nil {
			return err
		}
		e.Data = raw
	}
	c.Event = e
	result, err := w.engine.Commit(ctx, c)
	if err != nil {
		return fmt.Errorf("commit %s: %w", r.sheet.name, err)
	}
	w.noted(r.sheet, result.Position.Offset, r.docs)
	return nil
}

// eventType names what happens: something came, left, or changed. Where an offer
// becomes a conversation of the desk, the conversation came.
func (r *revision) eventType() string {
	noun, verb := "", ""
	for _, key := range slices.Sorted(maps.Keys(r.docs)) { // a conversation before an offer
		var does string
		switch {
		case key == care.LoadKey:
			continue
		case r.docs[key] == nil:
			does = "removed"
		case r.rows[key].Version == 0:
			does = "added"
		default:
			does = "changed"
		}
		if verb == "" || slices.Index(verbs, does) < slices.Index(verbs, verb) {
			noun, verb = r.sheet.noun(key), does
		}
	}
	return noun + "." + verb
}

// verbs of events, the one that counts most first.
var verbs = []string{"added", "changed", "removed"}

// noun is what an entry is called in the events of its view.
func (s *sheet) noun(key string) string {
	switch {
	case hub.EntryKind(key) == entryOffer:
		return "offer"
	case s.name.Kind() == hub.KindBoard:
		return "ticket"
	case s.name.Kind() == hub.KindQueue:
		return "waiting"
	}
	return "owned"
}
