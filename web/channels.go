package web

import (
	"net/http"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// snapshotBody is a channel as one audience sees it. A plain channel has a
// position and no entries.
type snapshotBody struct {
	Channel hub.Channel          `json:"channel"`
	Epoch   string               `json:"epoch"`
	Offset  uint64               `json:"offset"`
	Entries map[string]hub.Entry `json:"entries,omitzero"`
}

// channelOf is the channel that the path names.
func channelOf(r *http.Request) (hub.Channel, error) {
	ch := hub.Channel(r.PathValue("channel"))
	if err := ch.Valid(); err != nil {
		p := hub.Faults{"/channel": err.Error()}.Problem()
		p.Message = "this cannot be a channel's name"
		return "", p
	}
	return ch, nil
}

// snapshot is GET /v1/channels/{channel}.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request, id *sessions.Identity) error {
	ch, err := channelOf(r)
	if err != nil {
		return err
	}
	if p := s.Sessions.Limit(id); p != nil {
		return p
	}
	if p := s.Access.Subscribe(r.Context(), id, ch); p != nil {
		return p
	}
	body, err := s.look(r, id, ch)
	if err != nil {
		return err
	}
	return writeJSON(w, body)
}

// look reads a channel, or the one it is an alias of, and leaves out what the caller may not see.
func (s *Server) look(r *http.Request, id *sessions.Identity, ch hub.Channel) (snapshotBody, error) {
	if !ch.HasEntries() {
		h, err := s.Hub.History(r.Context(), ch, hub.HistoryQuery{})
		return snapshotBody{Channel: ch, Epoch: h.Position.Epoch, Offset: h.Position.Offset}, err
	}
	ch, err := s.Hub.Resolve(r.Context(), ch)
	if err != nil {
		return snapshotBody{}, err
	}
	snapshot, err := s.Hub.Snapshot(r.Context(), ch)
	if err != nil {
		return snapshotBody{}, err
	}
	if _, erased := snapshot.Entries[hub.ErasedKey]; erased && id.Role == hub.RoleCustomer {
		return snapshotBody{}, hub.Problemf(hub.CodeGone, "the customer was erased")
	}
	if p := s.Access.Still(r.Context(), id, ch, snapshot.Position); p != nil { // the right that let them ask may be over by now
		return snapshotBody{}, p
	}
	return snapshotBody{
		Channel: ch, Epoch: snapshot.Position.Epoch, Offset: snapshot.Position.Offset,
		Entries: s.Hub.Sights().Entries(s.Access.Audience(r.Context(), id, ch), ch, snapshot.Entries),
	}, nil
}
