package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/samepage/samepage/hub"
)

// apiPublication is what publish and broadcast say of a publication.
type apiPublication struct {
	Data           json.RawMessage   `json:"data"`
	B64Data        string            `json:"b64data"` // instead of Data, any bytes
	SkipHistory    bool              `json:"skip_history"`
	Tags           map[string]string `json:"tags"`
	IdempotencyKey string            `json:"idempotency_key"`
	Version        uint64            `json:"version"`
	VersionEpoch   string            `json:"version_epoch"`
}

type apiPublishRequest struct {
	Channel hub.Channel `json:"channel"`
	apiPublication
}

type apiBroadcastRequest struct {
	Channels []hub.Channel `json:"channels"`
	apiPublication
}

type apiPublishResult struct {
	Offset uint64 `json:"offset,omitempty"`
	Epoch  string `json:"epoch,omitempty"`
}

type apiBroadcastResult struct {
	Responses []apiAnswer `json:"responses"`
}

func (s *Server) apiPublish(ctx context.Context, q apiPublishRequest) (apiPublishResult, *apiError) {
	p, refusal := q.publication()
	if refusal != nil {
		return apiPublishResult{}, refusal
	}
	return s.publishTo(ctx, q.Channel, p)
}

// inPlace makes publish, which backends call more often than all else, read
// its params without a decoder where they are written plainly.
func inPlace(m apiMethod) apiMethod {
	decode := m.run
	m.run = func(s *Server, ctx context.Context, params json.RawMessage) (any, *apiError, error) {
		q, ok := readPublish(params)
		if !ok {
			return decode(s, ctx, params)
		}
		a, refusal := s.apiPublish(ctx, q)
		return a, refusal, nil
	}
	return m
}

// readPublish reads a channel and its data; what else can be said of a
// publication is left to a decoder. The data are the params' memory.
func readPublish(params []byte) (q apiPublishRequest, ok bool) {
	if !json.Valid(params) {
		return q, false
	}
	for name, value := range hub.Members(params) {
		switch string(name) {
		case "channel":
			if len(value) < 2 || value[0] != '"' || bytes.ContainsFunc(value, func(r rune) bool { return r == '\\' || r > '~' }) {
				return q, false
			}
			q.Channel = hub.Channel(value[1 : len(value)-1])
		case "data":
			q.Data = value
		default:
			return q, false
		}
	}
	return q, q.Channel != ""
}

// apiBroadcast publishes the same to many channels, and answers for each.
func (s *Server) apiBroadcast(ctx context.Context, q apiBroadcastRequest) (apiBroadcastResult, *apiError) {
	p, refusal := q.publication()
	if refusal != nil {
		return apiBroadcastResult{}, refusal
	}
	if len(q.Channels) == 0 {
		return apiBroadcastResult{}, apiBadRequest
	}
	responses := make([]apiAnswer, len(q.Channels))
	beside(len(q.Channels), func(i int) {
		result, refusal := s.publishTo(ctx, q.Channels[i], p)
		if refusal != nil {
			responses[i] = apiAnswer{Error: refusal}
			return
		}
		responses[i] = apiAnswer{Result: result}
	})
	return apiBroadcastResult{Responses: responses}, nil
}

func (p apiPublication) publication() (hub.Publication, *apiError) {
	data := []byte(p.Data)
	if p.B64Data != "" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(p.B64Data); err != nil {
			return hub.Publication{}, apiBadRequest
		}
	}
	if len(data) == 0 {
		return hub.Publication{}, apiBadRequest
	}
	return hub.Publication{
		Data: data, Tags: p.Tags, SkipHistory: p.SkipHistory, IdempotencyKey: p.IdempotencyKey,
		Version: p.Version, VersionEpoch: p.VersionEpoch,
	}, nil
}

func (s *Server) publishTo(ctx context.Context, ch hub.Channel, p hub.Publication) (apiPublishResult, *apiError) {
	if _, refusal := s.plain(ch); refusal != nil {
		return apiPublishResult{}, refusal
	}
	pos, err := s.Hub.Publish(ctx, ch, p)
	if err != nil {
		return apiPublishResult{}, s.apiFault("publish", err)
	}
	return apiPublishResult{Offset: pos.Offset, Epoch: pos.Epoch}, nil
}
