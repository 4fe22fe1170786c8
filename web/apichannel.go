package web

import (
	"context"
	"encoding/json"
	"errors"
	"path"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/sessions"
)

type apiChannelRequest struct {
	Channel hub.Channel `json:"channel"`
}

type apiPresenceResult struct {
	Presence map[string]presence.Member `json:"presence"`
}

type apiPresenceStatsResult struct {
	NumClients int `json:"num_clients"`
	NumUsers   int `json:"num_users"`
}

func (s *Server) apiPresence(ctx context.Context, q apiChannelRequest) (apiPresenceResult, *apiError) {
	if refusal := s.hasPresence(q.Channel); refusal != nil {
		return apiPresenceResult{}, refusal
	}
	members, err := s.Members.Members(ctx, string(q.Channel))
	if err != nil {
		return apiPresenceResult{}, s.apiFault("presence", err)
	}
	return apiPresenceResult{Presence: members}, nil
}

func (s *Server) apiPresenceStats(ctx context.Context, q apiChannelRequest) (apiPresenceStatsResult, *apiError) {
	if refusal := s.hasPresence(q.Channel); refusal != nil {
		return apiPresenceStatsResult{}, refusal
	}
	stats, err := s.Members.Stats(ctx, string(q.Channel))
	if err != nil {
		return apiPresenceStatsResult{}, s.apiFault("presence_stats", err)
	}
	return apiPresenceStatsResult{NumClients: stats.Clients, NumUsers: stats.Users}, nil
}

func (s *Server) hasPresence(ch hub.Channel) *apiError {
	options, refusal := s.plain(ch)
	if refusal == nil && !options.Presence {
		refusal = apiNotAvailable
	}
	return refusal
}

type apiPosition struct {
	Offset uint64 `json:"offset"`
	Epoch  string `json:"epoch"`
}

type apiHistoryRequest struct {
	Channel hub.Channel  `json:"channel"`
	Limit   int          `json:"limit"` // 0: only the position; negative: all
	Since   *apiPosition `json:"since"`
	Reverse bool         `json:"reverse"`
}

type apiHistoryResult struct {
	Publications []apiHistoryItem `json:"publications"`
	Epoch        string           `json:"epoch"`
	Offset       uint64           `json:"offset"`
}

type apiHistoryItem struct {
	Data    json.RawMessage   `json:"data,omitempty"`
	B64Data []byte            `json:"b64data,omitempty"` // of one that is no JSON
	Info    *hub.ClientInfo   `json:"info,omitempty"`
	Offset  uint64            `json:"offset"`
	Tags    map[string]string `json:"tags,omitempty"`
}

func (s *Server) apiHistory(ctx context.Context, q apiHistoryRequest) (apiHistoryResult, *apiError) {
	if refusal := s.hasHistory(q.Channel); refusal != nil {
		return apiHistoryResult{}, refusal
	}
	query := hub.HistoryQuery{Limit: q.Limit, Reverse: q.Reverse}
	if q.Since != nil {
		query.Since = &hub.Position{Epoch: q.Since.Epoch, Offset: q.Since.Offset}
	}
	history, err := s.Hub.History(ctx, q.Channel, query)
	if err != nil {
		return apiHistoryResult{}, s.apiFault("history", err)
	}
	result := apiHistoryResult{
		Publications: make([]apiHistoryItem, len(history.Messages)),
		Epoch:        history.Position.Epoch, Offset: history.Position.Offset,
	}
	for i, m := range history.Messages {
		item := apiHistoryItem{Info: m.Info, Offset: m.Position.Offset, Tags: m.Tags}
		if json.Valid(m.Data) {
			item.Data = m.Data
		} else {
			item.B64Data = m.Data
		}
		result.Publications[i] = item
	}
	return result, nil
}

func (s *Server) apiHistoryRemove(ctx context.Context, q apiChannelRequest) (nothing, *apiError) {
	if refusal := s.hasHistory(q.Channel); refusal != nil {
		return nothing{}, refusal
	}
	if err := s.Hub.RemoveHistory(ctx, q.Channel); err != nil {
		return nothing{}, s.apiFault("history_remove", err)
	}
	return nothing{}, nil
}

func (s *Server) hasHistory(ch hub.Channel) *apiError {
	options, refusal := s.plain(ch)
	if refusal == nil && !options.Recoverable() {
		refusal = apiNotAvailable
	}
	return refusal
}

type apiChannelsRequest struct {
	Pattern string `json:"pattern"`
}

type apiChannelsResult struct {
	Channels map[string]apiChannelInfo `json:"channels"`
}

type apiChannelInfo struct {
	NumClients int `json:"num_clients"`
}

// apiChannels lists plain channels that are followed, with how many connections
// each has: those with presence wherever they are followed, others at this node.
func (s *Server) apiChannels(ctx context.Context, q apiChannelsRequest) (apiChannelsResult, *apiError) {
	found, err := s.Members.Channels(ctx, q.Pattern)
	if errors.Is(err, path.ErrBadPattern) {
		return apiChannelsResult{}, apiBadRequest
	}
	if err != nil {
		return apiChannelsResult{}, s.apiFault("channels", err)
	}
	channels := make(map[string]apiChannelInfo, len(found))
	for name, clients := range s.Sessions.Channels() {
		if ok, _ := path.Match(q.Pattern, string(name)); !name.HasEntries() && (ok || q.Pattern == "") {
			channels[string(name)] = apiChannelInfo{NumClients: clients}
		}
	}
	for name, clients := range found {
		channels[name] = apiChannelInfo{NumClients: clients}
	}
	return apiChannelsResult{Channels: channels}, nil
}

type apiInfoResult struct {
	Nodes []sessions.Node `json:"nodes"` // this one first
}

func (s *Server) apiInfo(context.Context, nothing) (apiInfoResult, *apiError) {
	return apiInfoResult{Nodes: s.Sessions.Nodes()}, nil
}
