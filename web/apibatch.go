package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
)

// besides is how many calls of one request may run at the same time.
const besides = 16

// beside runs f for 0 to n-1, some at the same time, and waits for all.
func beside(n int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	var group sync.WaitGroup
	turns := make(chan struct{}, besides)
	for i := range n {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			f(i)
		})
	}
	group.Wait()
}

type apiBatchRequest struct {
	Commands []map[string]json.RawMessage `json:"commands"` // each {method: params}
	Parallel bool                         `json:"parallel"`
}

type apiBatchResult struct {
	Replies []map[string]any `json:"replies"` // each {method: result} or {"error": …}
}

// apiBatch runs many calls, one after the other unless they may run beside
// each other, and answers for each.
func (s *Server) apiBatch(ctx context.Context, q apiBatchRequest) (apiBatchResult, *apiError) {
	if len(q.Commands) > MaxAPICommands {
		return apiBatchResult{}, apiLimit
	}
	replies := make([]map[string]any, len(q.Commands))
	run := func(i int) { replies[i] = s.batchCall(ctx, q.Commands[i]) }
	if q.Parallel {
		beside(len(replies), run)
	} else {
		for i := range replies {
			run(i)
		}
	}
	return apiBatchResult{Replies: replies}, nil
}

func (s *Server) batchCall(ctx context.Context, command map[string]json.RawMessage) map[string]any {
	for name, params := range command {
		run, ok := apiMethods[name]
		if !ok || len(command) != 1 {
			break
		}
		result, refusal, err := s.runAPI(ctx, name, run, params)
		if err != nil {
			refusal = apiBadRequest
		}
		if refusal != nil {
			return map[string]any{"error": refusal}
		}
		return map[string]any{name: result}
	}
	return map[string]any{"error": apiNotFound}
}

// apiCommand is a call as older clients send it to /api.
type apiCommand struct {
	ID     uint32          `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

type apiReply struct {
	ID     uint32    `json:"id,omitempty"`
	Error  *apiError `json:"error,omitempty"`
	Result any       `json:"result,omitempty"`
}

// apiCommands is POST /api: one or many {"method","params"}, one after the
// other, answered one a line.
func (s *Server) apiCommands(w http.ResponseWriter, r *http.Request) error {
	body, err := s.readBody(w, r, MaxBatchBody)
	if err != nil {
		return err
	}
	var commands []apiCommand
	for d := json.NewDecoder(bytes.NewReader(body)); ; {
		var c apiCommand
		if err := d.Decode(&c); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return writeAPI(w, http.StatusBadRequest, apiAnswer{Error: apiBadRequest})
		}
		commands = append(commands, c)
	}
	if len(commands) == 0 {
		return writeAPI(w, http.StatusBadRequest, apiAnswer{Error: apiBadRequest})
	}
	if len(commands) > MaxAPICommands {
		return writeAPI(w, http.StatusOK, apiAnswer{Error: apiLimit})
	}
	var out bytes.Buffer
	replies := json.NewEncoder(&out)
	for _, c := range commands {
		if err := replies.Encode(s.reply(r.Context(), c)); err != nil {
			return err
		}
	}
	return writeBody(w, bytes.TrimRight(out.Bytes(), "\n"))
}

func (s *Server) reply(ctx context.Context, c apiCommand) apiReply {
	run, ok := apiMethods[c.Method]
	if !ok {
		return apiReply{ID: c.ID, Error: apiNotFound}
	}
	result, refusal, err := s.runAPI(ctx, c.Method, run, c.Params)
	if err != nil {
		refusal = apiBadRequest
	}
	if refusal != nil {
		return apiReply{ID: c.ID, Error: refusal}
	}
	return apiReply{ID: c.ID, Result: result}
}
