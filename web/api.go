package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/samepage/samepage/hub"
)

// apiError is a refusal of the server API, with Centrifugo's codes. It comes
// with HTTP status 200 instead of a result, or with its own status and alone for
// clients that ask for that ("X-Centrifugo-Error-Mode: transport").
type apiError struct {
	Code    uint32 `json:"code"`
	Message string `json:"message"`
	status  int
}

// The codes that are given. Channels with entries are written by commands
// alone: the methods for plain channels answer permission denied for them.
var (
	apiInternal       = &apiError{100, "internal server error", 500}
	apiUnauthorized   = &apiError{101, "unauthorized", 401}
	apiUnknownChannel = &apiError{102, "unknown channel", 404}
	apiDenied         = &apiError{103, "permission denied", 403}
	apiNotFound       = &apiError{104, "method not found", 404}
	apiLimit          = &apiError{106, "limit exceeded", 413}
	apiBadRequest     = &apiError{107, "bad request", 400}
	apiNotAvailable   = &apiError{108, "not available", 400}
	apiUnrecoverable  = &apiError{112, "unrecoverable position", 416}
)

// apiMethod is a call: what it takes and gives, and how it runs. Its params are
// unreadable if run returns errParams.
type apiMethod struct {
	params, result reflect.Type
	run            func(s *Server, ctx context.Context, params json.RawMessage) (result any, refusal *apiError, err error)
}

var errParams = errors.New("web: params do not have the shape of the method")

// method makes an apiMethod of a plain function of a request. Fields that the
// request does not know are ignored, as clients of other versions may send them.
func method[Q, A any](f func(s *Server, ctx context.Context, q Q) (A, *apiError)) apiMethod {
	run := func(s *Server, ctx context.Context, params json.RawMessage) (any, *apiError, error) {
		var q Q
		if len(params) > 0 {
			if err := json.Unmarshal(params, &q); err != nil {
				return nil, nil, errParams
			}
		}
		a, refusal := f(s, ctx, q)
		return a, refusal, nil
	}
	return apiMethod{reflect.TypeFor[Q](), reflect.TypeFor[A](), run}
}

// apiMethods is the table of contents; batch is made of these.
var apiMethods = map[string]apiMethod{
	"publish":        inPlace(method((*Server).apiPublish)),
	"broadcast":      method((*Server).apiBroadcast),
	"subscribe":      method((*Server).apiSubscribe),
	"unsubscribe":    method((*Server).apiUnsubscribe),
	"disconnect":     method((*Server).apiDisconnect),
	"refresh":        method((*Server).apiRefresh),
	"presence":       method((*Server).apiPresence),
	"presence_stats": method((*Server).apiPresenceStats),
	"history":        method((*Server).apiHistory),
	"history_remove": method((*Server).apiHistoryRemove),
	"channels":       method((*Server).apiChannels),
	"info":           method((*Server).apiInfo),
}

// APIMethod is a call of the server API, for its description.
type APIMethod struct {
	Name           string
	Params, Result reflect.Type
}

// APIMethods is the table of the server API by name, batch included.
func APIMethods() []APIMethod {
	batch := method((*Server).apiBatch)
	all := []APIMethod{{"batch", batch.params, batch.result}}
	for name, m := range apiMethods {
		all = append(all, APIMethod{name, m.params, m.result})
	}
	slices.SortFunc(all, func(a, b APIMethod) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// nothing is the result of a call that has nothing to tell.
type nothing struct{}

// apiAnswer is what one call comes to.
type apiAnswer struct {
	Error  *apiError `json:"error,omitempty"`
	Result any       `json:"result,omitempty"`
}

// withKey is a handler of the server API: it needs the key, or none where the
// API is declared insecure; then at least pages of other sites stay out.
func (s *Server) withKey(h handler) handler {
	guard := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) error {
		switch {
		case s.APIInsecure:
			if guard.Check(r) != nil {
				return writeAPI(w, http.StatusForbidden, apiAnswer{Error: apiDenied})
			}
		case s.APIKey == "":
			return hub.Problemf(hub.CodeForbidden, "the server API is closed: no API key is configured")
		case !s.isKey(cmp.Or(apiKey(r), r.URL.Query().Get("api_key"))):
			w.Header().Set("WWW-Authenticate", "apikey")
			return writeAPI(w, http.StatusUnauthorized, apiAnswer{Error: apiUnauthorized})
		}
		return h(w, r)
	}
}

// apiCall is POST /api/{method}. Unreadable bodies are status 400, unknown
// methods 404; every other refusal is an answer.
func (s *Server) apiCall(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("method")
	run, ok := apiMethods[name]
	if name == "batch" {
		run, ok = method((*Server).apiBatch), true
	}
	if !ok {
		return writeAPI(w, http.StatusNotFound, apiAnswer{Error: apiNotFound})
	}
	body, err := s.readBody(w, r, MaxBatchBody)
	if err != nil {
		return err
	}
	result, refusal, err := s.runAPI(r.Context(), name, run, body)
	switch {
	case err != nil:
		return writeAPI(w, http.StatusBadRequest, apiAnswer{Error: apiBadRequest})
	case refusal != nil && r.Header.Get("X-Centrifugo-Error-Mode") == "transport":
		return writeAPI(w, refusal.status, refusal)
	case refusal != nil:
		return writeAPI(w, http.StatusOK, apiAnswer{Error: refusal})
	case name == "batch":
		return writeAPI(w, http.StatusOK, result) // replies stand without a result around them
	}
	return writeAPI(w, http.StatusOK, apiAnswer{Result: result})
}

func (s *Server) runAPI(ctx context.Context, name string, run apiMethod, params json.RawMessage) (any, *apiError, error) {
	result, refusal, err := run.run(s, ctx, params)
	if name != "batch" {
		switch {
		case err != nil:
			s.Metrics.apiCall(name, apiBadRequest.Code)
		case refusal != nil:
			s.Metrics.apiCall(name, refusal.Code)
		default:
			s.Metrics.apiCall(name, 0)
		}
	}
	return result, refusal, err
}

func writeAPI(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
	return nil
}

// apiFault is what an error of the hub, or of a store, comes to.
func (s *Server) apiFault(what string, err error) *apiError {
	switch {
	case errors.Is(err, hub.ErrUnknownChannel):
		return apiUnknownChannel
	case errors.Is(err, hub.ErrFormat):
		return apiBadRequest
	case errors.Is(err, hub.ErrEpoch):
		return apiUnrecoverable
	}
	if !errors.Is(err, hub.ErrUnavailable) && !errors.Is(err, context.Canceled) {
		s.log.Error("a server API call failed", "method", what, "err", err)
	}
	return apiInternal
}

// plain is the options of a plain channel that a call names, or why it may not.
func (s *Server) plain(ch hub.Channel) (hub.ChannelOptions, *apiError) {
	if ch.Valid() != nil {
		return hub.ChannelOptions{}, apiBadRequest
	}
	if ch.HasEntries() {
		return hub.ChannelOptions{}, apiDenied
	}
	options, ok := s.Hub.Namespaces().Options(ch)
	if !ok {
		return hub.ChannelOptions{}, apiUnknownChannel
	}
	return options, nil
}
