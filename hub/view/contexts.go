package view

import (
	"container/list"
	"context"
	"encoding/json"
	"fmt"

	"github.com/samepage/samepage/hub"
)

// The kinds of entry that views are made of.
const (
	entryOrder        = "order"
	entryConversation = "conversation"
	entryOffer        = "offer" // of a conversation: it stands beside it
	entryProfile      = "profile"
)

// source is what a context holds of orders, conversations and profile.
type source struct {
	name    hub.Channel
	at      hub.Position
	entries map[string]json.RawMessage
}

// contexts keeps the contexts a worker looked at lately, each moved along by
// its events. It is for one goroutine.
type contexts struct {
	engine hub.Engine
	size   int
	all    map[hub.Channel]*list.Element // of *source
	used   *list.List                    // latest first
}

func newContexts(engine hub.Engine, size int) *contexts {
	return &contexts{engine: engine, size: size, all: map[hub.Channel]*list.Element{}, used: list.New()}
}

// at is a context as it stands at an event or later.
func (cs *contexts) at(ctx context.Context, m *hub.Message) (*source, error) {
	if e, ok := cs.all[m.Channel]; ok {
		s := e.Value.(*source)
		cs.used.MoveToFront(e)
		if s.at.Epoch == m.Position.Epoch && s.at.Offset >= m.Position.Offset {
			return s, nil
		}
		if s.follows(m) && s.apply(m.Event) == nil {
			s.at = m.Position
			return s, nil
		}
	}
	return cs.load(ctx, m.Channel)
}

// pass moves a context along an event that touches nothing kept here.
func (cs *contexts) pass(m *hub.Message) {
	if e, ok := cs.all[m.Channel]; ok {
		if s := e.Value.(*source); s.follows(m) {
			s.at = m.Position
		}
	}
}

// load reads a context from the store.
func (cs *contexts) load(ctx context.Context, name hub.Channel) (*source, error) {
	snapshot, err := cs.engine.Load(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	s := &source{name: name, at: snapshot.Position, entries: map[string]json.RawMessage{}}
	for key, e := range snapshot.Entries {
		if kept(key) {
			s.entries[key] = e.Doc
		}
	}
	if e, ok := cs.all[name]; ok {
		e.Value = s
		return s, nil
	}
	cs.all[name] = cs.used.PushFront(s)
	if cs.used.Len() > cs.size {
		last := cs.used.Back()
		cs.used.Remove(last)
		delete(cs.all, last.Value.(*source).name)
	}
	return s, nil
}

func (s *source) follows(m *hub.Message) bool {
	return s.at.Epoch == m.Position.Epoch && s.at.Offset+1 == m.Position.Offset
}

func (s *source) apply(e *hub.Event) error {
	for _, c := range e.Changes {
		switch {
		case !kept(c.Key):
		case c.Gone:
			delete(s.entries, c.Key)
		case c.Doc != nil:
			s.entries[c.Key] = c.Doc
		default:
			s.entries[c.Key] = hub.Apply(s.entries[c.Key], c.Patch)
		}
	}
	return nil
}

// read decodes an entry; false if there is none.
func (s *source) read(key string, doc any) (bool, error) {
	raw, ok := s.entries[key]
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(raw, doc); err != nil {
		return false, fmt.Errorf("read %s: %w", key, err)
	}
	return true, nil
}

func kept(key string) bool {
	switch hub.EntryKind(key) {
	case entryOrder, entryConversation, entryProfile:
		return true
	}
	return false
}
