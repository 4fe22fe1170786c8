package web

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// apiTarget names the connections a call is about: those of a user, or of
// them one, by its client or session id.
type apiTarget struct {
	User    string `json:"user"`
	Client  string `json:"client"`
	Session string `json:"session"`
}

// missing reports a call that names nobody, which would mean every visitor without a name.
func (t apiTarget) missing() bool { return t.User == "" && t.Client == "" && t.Session == "" }

// apiBool is an option that is overridden, as a value in a box.
type apiBool struct {
	Value bool `json:"value"`
}

func (b *apiBool) pointer() *bool {
	if b == nil {
		return nil
	}
	return &b.Value
}

type apiSubscribeRequest struct {
	apiTarget
	Channel      hub.Channel     `json:"channel"`
	ExpireAt     int64           `json:"expire_at"`
	Info         json.RawMessage `json:"info"`
	B64Info      string          `json:"b64info"`
	Data         json.RawMessage `json:"data"`
	B64Data      string          `json:"b64data"`
	RecoverSince *apiPosition    `json:"recover_since"`
	Override     struct {
		Presence           *apiBool `json:"presence"`
		JoinLeave          *apiBool `json:"join_leave"`
		ForceRecovery      *apiBool `json:"force_recovery"`
		ForcePositioning   *apiBool `json:"force_positioning"`
		ForcePushJoinLeave *apiBool `json:"force_push_join_leave"`
	} `json:"override"`
}

func (s *Server) apiSubscribe(ctx context.Context, q apiSubscribeRequest) (nothing, *apiError) {
	if q.missing() {
		return nothing{}, apiBadRequest
	}
	if _, refusal := s.plain(q.Channel); refusal != nil {
		return nothing{}, refusal
	}
	info, ok := jsonOrBase64(q.Info, q.B64Info)
	data, ok2 := jsonOrBase64(q.Data, q.B64Data)
	if !ok || !ok2 {
		return nothing{}, apiBadRequest
	}
	request := sessions.SubscribeRequest{
		User: q.User, Channel: q.Channel, Client: q.Client, Session: q.Session,
		Info: info, Data: data, ExpireAt: q.ExpireAt,
		Presence: q.Override.Presence.pointer(), JoinLeave: q.Override.JoinLeave.pointer(),
		PushJoinLeave: q.Override.ForcePushJoinLeave.pointer(),
		Positioning:   q.Override.ForcePositioning.pointer(), Recovery: q.Override.ForceRecovery.pointer(),
	}
	if q.RecoverSince != nil {
		request.Since = &hub.Position{Epoch: q.RecoverSince.Epoch, Offset: q.RecoverSince.Offset}
	}
	return s.done("subscribe", s.Sessions.Subscribe(ctx, request))
}

type apiUnsubscribeRequest struct {
	apiTarget
	Channel hub.Channel `json:"channel"` // "": all of them
}

// apiUnsubscribe also takes channels with entries: it only takes away.
func (s *Server) apiUnsubscribe(ctx context.Context, q apiUnsubscribeRequest) (nothing, *apiError) {
	if q.missing() {
		return nothing{}, apiBadRequest
	}
	if q.Channel != "" && !q.Channel.HasEntries() {
		if _, refusal := s.plain(q.Channel); refusal != nil {
			return nothing{}, refusal
		}
	}
	return s.done("unsubscribe", s.Sessions.Unsubscribe(ctx, sessions.UnsubscribeRequest{
		User: q.User, Channel: q.Channel, Client: q.Client, Session: q.Session,
	}))
}

type apiDisconnectRequest struct {
	apiTarget
	Whitelist  []string `json:"whitelist"`
	Disconnect struct {
		Code   uint32 `json:"code"`
		Reason string `json:"reason"`
	} `json:"disconnect"`
}

func (s *Server) apiDisconnect(ctx context.Context, q apiDisconnectRequest) (nothing, *apiError) {
	if q.missing() {
		return nothing{}, apiBadRequest
	}
	if c := q.Disconnect.Code; c != 0 && (c < 3000 || c > 4999) || len(q.Disconnect.Reason) > 123 {
		return nothing{}, apiBadRequest // a close frame cannot carry it
	}
	return s.done("disconnect", s.Sessions.Disconnect(ctx, sessions.DisconnectRequest{
		User: q.User, Client: q.Client, Session: q.Session, Whitelist: q.Whitelist,
		Code: q.Disconnect.Code, Reason: q.Disconnect.Reason,
	}))
}

type apiRefreshRequest struct {
	apiTarget
	Expired  bool            `json:"expired"`
	ExpireAt int64           `json:"expire_at"`
	Info     json.RawMessage `json:"info"`
}

func (s *Server) apiRefresh(ctx context.Context, q apiRefreshRequest) (nothing, *apiError) {
	if q.missing() {
		return nothing{}, apiBadRequest
	}
	return s.done("refresh", s.Sessions.Refresh(ctx, sessions.RefreshRequest{
		User: q.User, Client: q.Client, Session: q.Session, Expired: q.Expired, ExpireAt: q.ExpireAt, Info: q.Info,
	}))
}

func (s *Server) done(what string, err error) (nothing, *apiError) {
	if err != nil {
		return nothing{}, s.apiFault(what, err)
	}
	return nothing{}, nil
}

// jsonOrBase64 is a value that comes as it is or in base64; false if it is no JSON then.
func jsonOrBase64(plain json.RawMessage, encoded string) (json.RawMessage, bool) {
	if encoded == "" {
		return plain, true
	}
	b, err := base64.StdEncoding.DecodeString(encoded)
	return b, err == nil && json.Valid(b)
}
