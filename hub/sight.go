package hub

import "encoding/json"

// Sight is what a role sees of an entry, or of an event's data. Paths name
// fields from the top, with dots; * stands for any one name: "tenders.*.reference".
// The zero Sight sees everything.
type Sight struct {
	Show []string // if any: only these fields, and what is below them
	Hide []string // not these, nor what is below them
	Mask []string // of these only a trace, enough to recognise them: "m…@example.com", "…123"
	// If decides by the entry's labels whether this audience sees it at all; nil: yes.
	// It must depend on nothing else.
	If func(a Audience, labels []string) bool

	show, hide, mask paths // Show, Hide and Mask, taken apart
}

// EntrySight says who sees what of one kind of entry. A role that is not
// listed sees nothing.
type EntrySight struct {
	Channel string // kind of channel: "context"
	Entry   string // kind of entry: "order"
	// Labels are the words by which If decides, made from the document: "store:s1", "private".
	// Sorted. Nil where no If needs them.
	Labels func(doc json.RawMessage) []string
	Roles  map[Role]Sight
}

// Sights is the matrix of who sees what, made of the models' rows. It filters
// snapshots, events and answers before they are encoded.
//
// A change is filtered by the change alone: whether its entry is visible
// follows from the labels stored with it, and a field's visibility from its
// path. So the filtered events of a log always lead from one filtered snapshot
// to the next, wherever they are read from.
type Sights struct {
	entries map[string]map[string]EntrySight
	events  map[string]map[Role]Sight
}

// NewSights joins the models' rows.
func NewSights(models ...Model) *Sights {
	s := &Sights{entries: map[string]map[string]EntrySight{}, events: map[string]map[Role]Sight{}}
	for _, m := range models {
		for _, row := range m.Sights {
			if s.entries[row.Channel] == nil {
				s.entries[row.Channel] = map[string]EntrySight{}
			}
			row.Roles = compiled(row.Roles)
			s.entries[row.Channel][row.Entry] = row
		}
		for t, roles := range m.Events {
			s.events[t] = compiled(roles)
		}
	}
	return s
}

func (s *Sights) labels(name Channel, key string, doc json.RawMessage) []string {
	if row := s.entries[name.Kind()][EntryKind(key)]; row.Labels != nil {
		return row.Labels(doc)
	}
	return nil
}

// Entry is an entry as an audience sees it.
func (s *Sights) Entry(a Audience, name Channel, key string, e Entry) (Entry, bool) {
	sight, ok := s.sight(a, name, key)
	if !ok || !sight.admits(a, s.labels(name, key, e.Doc)) {
		return Entry{}, false
	}
	return Entry{Version: e.Version, Doc: sight.project(e.Doc)}, true
}

// Entries are a snapshot's entries as an audience sees them.
func (s *Sights) Entries(a Audience, name Channel, entries map[string]Entry) map[string]Entry {
	seen := make(map[string]Entry, len(entries))
	for key, e := range entries {
		if e, ok := s.Entry(a, name, key, e); ok {
			seen[key] = e
		}
	}
	return seen
}

// Event is an event as an audience sees it, without labels; nil if nothing of
// it is left.
func (s *Sights) Event(a Audience, name Channel, e *Event) *Event {
	if e == nil {
		return nil
	}
	seen := &Event{Type: e.Type, At: e.At, OccurredAt: e.OccurredAt, By: mask(a, name, e.By), Cause: e.Cause}
	for _, c := range e.Changes {
		if c, ok := s.change(a, name, c); ok {
			seen.Changes = append(seen.Changes, c)
		}
	}
	if len(seen.Changes) == 0 && len(e.Changes) > 0 {
		return nil
	}
	if sight, ok := s.eventSight(a, e.Type); ok && e.Data != nil {
		seen.Data = sight.project(e.Data)
	}
	if len(seen.Changes) == 0 && seen.Data == nil {
		return nil
	}
	return seen
}

func (s *Sights) change(a Audience, name Channel, c Change) (Change, bool) {
	sight, ok := s.sight(a, name, c.Key)
	if !ok {
		return Change{}, false
	}
	is := sight.admits(a, c.Labels)
	was := is
	if c.Moved {
		was = sight.admits(a, c.Was)
	}
	seen := Change{Key: c.Key, Version: c.Version}
	switch {
	case !was && !is:
		return Change{}, false
	case c.Gone, !is:
		seen.Gone = true
	case c.Doc != nil:
		seen.Doc = sight.project(c.Doc)
	default:
		seen.Patch = sight.projectPatch(c.Patch)
		if string(seen.Patch) == "{}" {
			return Change{}, false
		}
	}
	return seen, true
}

func (s *Sights) sight(a Audience, name Channel, key string) (Sight, bool) {
	if a.Role == RoleSystem {
		return Sight{}, true
	}
	sight, ok := s.entries[name.Kind()][EntryKind(key)].Roles[a.Role]
	return sight, ok
}

func (s *Sights) eventSight(a Audience, eventType string) (Sight, bool) {
	if sight, ok := s.events[eventType][a.Role]; ok {
		return sight, true
	}
	switch a.Role {
	case RoleService, RoleAgent, RoleSupervisor, RoleSystem:
		return Sight{}, true
	}
	return Sight{}, false
}

// mask leaves of staff and machines what a customer may know: the role and a
// display name; and of customers, on channels that are not a customer's own, the role.
func mask(a Audience, name Channel, by Actor) Actor {
	switch a.Role {
	case RoleCustomer, RoleGuest, RoleBot:
		if by.Role != RoleCustomer {
			return Actor{Role: by.Role, Name: by.Name, Via: by.Via}
		}
		if name.Kind() != KindContext {
			return Actor{Role: by.Role}
		}
	}
	return by
}

func (s Sight) admits(a Audience, labels []string) bool { return s.If == nil || s.If(a, labels) }
