package sessions

import (
	"encoding/json"
	"log/slog"
	"path"
	"slices"
	"time"

	"github.com/samepage/samepage/hub"
)

// Identity is who a connection, or one request, is. It is made from a token
// or an API key and not changed afterwards.
type Identity struct {
	hub.Caller                 // role, id (the token's sub), context, store, queues …
	Info       json.RawMessage // shown to others in presence
	Channels   []string        // subscribed by the server when the client connects
	Grants     []Grant         // further rights on plain channels
	Scopes     []string        // service: the kinds of channel it works on, "store" or "context:read"; nil: all
	ExpiresAt  time.Time       // zero: never
	TokenID    string          // the token's jti
	Everything bool            // every right on plain channels
}

// Grant is a right on plain channels beyond what their namespaces allow.
type Grant struct {
	Channels []string `json:"channels"` // patterns of path.Match, the colon being an ordinary character
	Can      []string `json:"can"`      // subscribe, publish, presence, history
}

// The rights that a [Grant] can name.
const (
	CanSubscribe = "subscribe"
	CanPublish   = "publish"
	CanPresence  = "presence"
	CanHistory   = "history"
)

// Granted reports whether a grant gives a right on a channel.
func (id *Identity) Granted(right string, ch hub.Channel) bool {
	for _, g := range id.Grants {
		if !slices.Contains(g.Can, right) {
			continue
		}
		for _, pattern := range g.Channels {
			if ok, err := path.Match(pattern, string(ch)); err == nil && ok {
				return true
			}
		}
	}
	return false
}

// inScope reports whether a service works on a kind of channel: it may read, or
// write as well. Others have their rights from their roles.
func (id *Identity) inScope(kind, right string) bool {
	return id.Role != hub.RoleService || id.Scopes == nil ||
		slices.Contains(id.Scopes, kind) || slices.Contains(id.Scopes, kind+":"+right)
}

// Anonymous reports whether nobody in particular is behind the connection.
func (id *Identity) Anonymous() bool { return id.ID == "" }

// LogValue implements [slog.LogValuer]: what may stand in a log.
func (id *Identity) LogValue() slog.Value {
	return slog.GroupValue(slog.String("role", string(id.Role)), slog.String("id", id.ID))
}

// Guest is nobody in particular, who sees what anonymous visitors may.
func Guest() *Identity {
	return &Identity{Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleGuest}}}
}
