package web

import (
	"encoding/json"
	"net/http"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// command is POST /v1/commands/{method}: the answer, or the refusal as a problem.
func (s *Server) command(w http.ResponseWriter, r *http.Request, id *sessions.Identity) error {
	body, err := s.readBody(w, r, MaxCommandBody)
	if err != nil {
		return err
	}
	answer, on := s.Sessions.Command(r.Context(), id, r.PathValue("method"), body)
	if answer.Problem != nil {
		return answer.Problem
	}
	return writeBody(w, s.Sessions.EncodeAnswer(id, on, answer))
}

// commandBatch is POST /v1/commands: commands run one by one in their order,
// each answered as over the socket. A refused one does not stop the next.
func (s *Server) commandBatch(w http.ResponseWriter, r *http.Request, id *sessions.Identity) error {
	body, err := s.readBody(w, r, MaxBatchBody)
	if err != nil {
		return err
	}
	commands, err := decodeBatch(body)
	if err != nil {
		return err
	}
	answers := make([]json.RawMessage, len(commands))
	for i, raw := range commands {
		answers[i] = s.batchCommand(r, id, raw)
	}
	return writeJSON(w, map[string]any{"answers": answers})
}

func decodeBatch(body []byte) ([]json.RawMessage, error) {
	if !json.Valid(body) {
		return nil, hub.Problemf(hub.CodeBadRequest, "the body is no JSON")
	}
	batch, p := hub.DecodeArgs[struct {
		Commands []json.RawMessage `json:"commands"`
	}](body)
	if p != nil {
		p.Message = "the batch is not valid"
		return nil, p
	}
	if len(batch.Commands) == 0 {
		p := hub.Faults{"/commands": "required: at least one command"}.Problem()
		p.Message = "the batch is not valid"
		return nil, p
	}
	if len(batch.Commands) > MaxBatchCommands {
		return nil, hub.Problemf(hub.CodeTooLarge, "a batch has at most %d commands", MaxBatchCommands).
			With(map[string]any{"limit": MaxBatchCommands})
	}
	return batch.Commands, nil
}

func (s *Server) batchCommand(r *http.Request, id *sessions.Identity, raw json.RawMessage) json.RawMessage {
	refuse := func(p *hub.Problem) json.RawMessage {
		return s.Sessions.EncodeAnswer(id, "", hub.Answer{Problem: p})
	}
	if len(raw) > MaxCommandBody {
		return refuse(tooLarge(MaxCommandBody))
	}
	var fields map[string]json.RawMessage
	var method string
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return refuse(hub.Problemf(hub.CodeBadRequest, "a command is an object"))
	}
	if err := json.Unmarshal(fields["method"], &method); err != nil || method == "" {
		return refuse(hub.Faults{"/method": "required: the command's name"}.Problem())
	}
	delete(fields, "method")
	body, err := json.Marshal(fields)
	if err != nil {
		return refuse(s.problemOf(r, err))
	}
	answer, on := s.Sessions.Command(r.Context(), id, method, body)
	return s.Sessions.EncodeAnswer(id, on, answer)
}
