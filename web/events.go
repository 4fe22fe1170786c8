package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// How many events a page has.
const (
	DefaultPage  = 100
	MaxPage      = 1000
	maxPageBytes = 1 << 20 // a page ends early behind the event that reaches this
)

// eventPage is a part of a channel's log as one audience sees it. Offset is
// where the log ends; Next, if there is more, is what to ask for after.
type eventPage struct {
	Channel hub.Channel       `json:"channel"`
	Epoch   string            `json:"epoch"`
	Offset  uint64            `json:"offset"`
	Events  []json.RawMessage `json:"events"`
	Next    string            `json:"next,omitempty"`
}

// events is GET /v1/channels/{channel}/events: a page, or a stream for those
// who accept one.
func (s *Server) events(w http.ResponseWriter, r *http.Request, id *sessions.Identity) error {
	ch, err := channelOf(r)
	if err != nil {
		return err
	}
	faults := hub.Faults{}
	streams := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	after := positionParameter(r, streams, faults)
	limit := limitParameter(r, faults)
	if p := faults.Problem(); p != nil {
		p.Message = "the query is not valid"
		return p
	}
	if p := s.Sessions.Limit(id); p != nil {
		return p
	}
	if streams || ch.HasEntries() {
		if p := s.Access.Subscribe(r.Context(), id, ch); p != nil {
			return p
		}
	} else if p := s.Access.History(r.Context(), id, ch); p != nil {
		return p
	}
	if after == nil { // a position is one of the name that was asked for
		if ch, err = s.Hub.Resolve(r.Context(), ch); err != nil {
			return err
		}
	}
	if streams {
		return s.stream(w, r, id, ch, after)
	}
	page, err := s.page(r, id, ch, after, limit)
	if err != nil {
		return err
	}
	return writeJSON(w, page)
}

// positionParameter is where to go on from; nil: nowhere in particular.
func positionParameter(r *http.Request, streams bool, f hub.Faults) *hub.Position {
	text, name := r.URL.Query().Get("after"), "/after"
	if last := r.Header.Get("Last-Event-ID"); streams && last != "" {
		text, name = last, "/Last-Event-ID"
	}
	if text == "" {
		return nil
	}
	pos, err := hub.ParsePosition(text)
	if err != nil {
		f.Add(name, "%v", err)
		return nil
	}
	return &pos
}

func limitParameter(r *http.Request, f hub.Faults) int {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return DefaultPage
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > MaxPage {
		f.Add("/limit", "must be a whole number from 1 to %d", MaxPage)
	}
	return n
}

// page reads events behind a position, or from the oldest that is kept.
func (s *Server) page(r *http.Request, id *sessions.Identity, ch hub.Channel, after *hub.Position, limit int) (eventPage, error) {
	history, err := s.Hub.History(r.Context(), ch, hub.HistoryQuery{Since: after, Limit: limit})
	if errors.Is(err, hub.ErrEpoch) {
		return eventPage{}, s.gone(r, ch)
	}
	if err != nil {
		return eventPage{}, err
	}
	end := history.Position
	if after != nil && !continues(*after, history) {
		return eventPage{}, gone(end)
	}
	if p := s.Access.Still(r.Context(), id, ch, end); p != nil {
		return eventPage{}, p
	}
	page := eventPage{Channel: ch, Epoch: end.Epoch, Offset: end.Offset, Events: []json.RawMessage{}}
	var last hub.Position
	as := s.Access.Audience(r.Context(), id, ch)
	size := 0
	for _, m := range history.Messages {
		last = m.Position
		if line := s.encode(as, m); line != nil {
			page.Events = append(page.Events, line)
			if size += len(line); size >= maxPageBytes {
				break
			}
		}
	}
	if last.Offset > 0 && last.Offset < end.Offset {
		page.Next = last.String()
	}
	return page, nil
}

// continues reports whether a part of a log begins right behind a position.
func continues(after hub.Position, h hub.History) bool {
	if len(h.Messages) == 0 {
		return after.Offset == h.Position.Offset
	}
	return h.Messages[0].Position.Offset == after.Offset+1
}

func (s *Server) gone(r *http.Request, ch hub.Channel) error {
	h, err := s.Hub.History(r.Context(), ch, hub.HistoryQuery{})
	if err != nil {
		return err
	}
	return gone(h.Position)
}

func gone(end hub.Position) *hub.Problem {
	return hub.Problemf(hub.CodeGone, "the log does not reach back to this position; read the channel anew").
		With(map[string]any{"epoch": end.Epoch, "offset": end.Offset})
}

// publicationBody is a publication of a plain channel as an event of it.
type publicationBody struct {
	Offset  uint64            `json:"offset,omitempty"`
	Data    json.RawMessage   `json:"data,omitempty"`
	B64Data []byte            `json:"b64data,omitempty"` // of one that is no JSON
	Info    *hub.ClientInfo   `json:"info,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
}

// encode is a message as an audience may see it, with its offset in it; nil if
// there is nothing to see.
func (s *Server) encode(as hub.Audience, m *hub.Message) json.RawMessage {
	switch m.Type {
	case hub.MessageEvent:
		seen := s.Hub.Sights().Event(as, m.Channel, m.Event)
		if seen == nil {
			return nil
		}
		line := append([]byte(`{"offset":`), strconv.FormatUint(m.Position.Offset, 10)...)
		line = append(line, ',')
		return append(line, sessions.EncodeEvent(seen)[1:]...)
	case hub.MessagePublication:
		body := publicationBody{Offset: m.Position.Offset, Info: m.Info, Tags: m.Tags}
		if json.Valid(m.Data) {
			body.Data = m.Data
		} else {
			body.B64Data = m.Data
		}
		line, err := json.Marshal(body)
		if err != nil {
			s.log.Error("a publication cannot be encoded", "channel", m.Channel, "err", err)
			return nil
		}
		return line
	}
	return nil
}
