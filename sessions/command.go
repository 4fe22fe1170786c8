package sessions

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/samepage/samepage/hub"
)

// CommandRequest is a command as it goes over the wire, by whichever door.
type CommandRequest struct {
	ID        string            `json:"id"`
	On        hub.Channel       `json:"on"`
	Args      json.RawMessage   `json:"args"`
	IfVersion map[string]uint64 `json:"if_version"`
}

// Command runs one command for a caller: the one door, whatever the wire. The
// body is a [CommandRequest]. Everything that can go wrong is a problem in the
// answer; the channel is "" where the body did not name one. Callers who ask for
// too much are refused, see [Server.Limit]. It may block for the store.
func (s *Server) Command(ctx context.Context, id *Identity, method string, body []byte) (hub.Answer, hub.Channel) {
	if p := s.Limit(id); p != nil {
		return hub.Answer{Problem: p}, ""
	}
	req, p := decodeCommand(body)
	return s.command(ctx, id, method, req, p)
}

// command is Command with its body read, or what is wrong with it.
func (s *Server) command(ctx context.Context, id *Identity, method string, req CommandRequest, p *hub.Problem) (hub.Answer, hub.Channel) {
	m, known := s.hub.Methods()[method]
	signal := signals[method]
	switch {
	case !known && !signal:
		return hub.Answer{Problem: hub.Problemf(hub.CodeNotFound, "no command is called %q", method)}, ""
	case known && !m.Allows(id.Role):
		return hub.Answer{Problem: hub.Problemf(hub.CodeForbidden, "%s is not for the role %s", method, id.Role)}, ""
	}
	if p != nil {
		return hub.Answer{Problem: p}, ""
	}
	if signal {
		return hub.Answer{Problem: s.signal(ctx, id, method, req)}, req.On
	}
	if p := s.access.call(ctx, id, m, req); p != nil {
		return hub.Answer{Problem: p}, req.On
	}
	return s.hub.Do(ctx, hub.Command{
		Method: method, ID: req.ID, On: req.On, Args: req.Args, IfVersion: req.IfVersion,
		Caller: s.access.caller(ctx, id, req.On),
	}), req.On
}

// decodeCommand reads a body strictly: one JSON object of known fields, of
// their types. What is wrong with it stands in the problem's details.
func decodeCommand(body []byte) (CommandRequest, *hub.Problem) {
	if req, ok := readCommand(body); ok {
		return req, nil
	}
	return decodeStrictly(body)
}

func decodeStrictly(body []byte) (CommandRequest, *hub.Problem) {
	var req CommandRequest
	if !json.Valid(body) {
		return req, hub.Problemf(hub.CodeBadRequest, "the command is not readable: it must be one JSON object")
	}
	_, p := hub.DecodeArgs[struct { // a member that is null is as good as none
		ID        *string            `json:"id"`
		On        *hub.Channel       `json:"on"`
		Args      json.RawMessage    `json:"args"`
		IfVersion *map[string]uint64 `json:"if_version"`
	}](body)
	if p != nil {
		p.Code, p.Message = hub.CodeBadRequest, "the command is not readable"
		return req, p
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return req, hub.Problemf(hub.CodeBadRequest, "the command is not readable: %v", err)
	}
	return req, nil
}

// readCommand reads what is written plainly, as nearly all commands are; the
// rest is left to a decoder. The arguments are the body's memory.
func readCommand(body []byte) (req CommandRequest, ok bool) {
	if !json.Valid(body) {
		return req, false
	}
	for name, value := range hub.Members(body) {
		switch string(name) {
		case "id":
			req.ID, ok = plainString(value)
		case "on":
			var on string
			on, ok = plainString(value)
			req.On = hub.Channel(on)
		case "args":
			req.Args, ok = value, true
		case "if_version":
			ok = json.Unmarshal(value, &req.IfVersion) == nil
		default:
			ok = false
		}
		if !ok {
			return CommandRequest{}, false
		}
	}
	return req, ok
}

// plainString is what a string without escapes says.
func plainString(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	value = value[1 : len(value)-1]
	for _, c := range value {
		if c == '\\' || c > '~' {
			return "", false
		}
	}
	return string(value), true
}

// EncodeAnswer writes an answer as its caller may see it.
func (s *Server) EncodeAnswer(id *Identity, on hub.Channel, a hub.Answer) []byte {
	switch {
	case a.Problem != nil:
		b, err := json.Marshal(struct {
			Problem  *hub.Problem `json:"problem"`
			Replayed bool         `json:"replayed,omitempty"`
		}{a.Problem, a.Replayed})
		if err != nil {
			s.log.Error("an answer cannot be encoded", "on", on, "err", err)
			return []byte(`{"problem":{"code":"internal","message":"the answer cannot be encoded"}}`)
		}
		return b
	case a.Position == hub.Position{}:
		return []byte("{}") // a signal has no place in the log
	}
	b := append(make([]byte, 0, 512), `{"epoch":`...)
	b = append(strconv.AppendQuote(b, a.Position.Epoch), `,"offset":`...) // a word of letters and digits
	b = strconv.AppendUint(b, a.Position.Offset, 10)
	if a.On != "" && a.On != on { // an alias was followed, or a query found it
		on = a.On
		b = append(b, `,"on":`...)
		b = appendJSON(b, on)
	}
	if a.Event != nil {
		if seen := s.hub.Sights().Event(s.access.Audience(s.ctx, id, on), on, a.Event); seen != nil {
			b = seen.AppendJSON(append(b, `,"event":`...))
		}
	}
	if a.Result != nil {
		b = appendJSON(append(b, `,"result":`...), a.Result)
	}
	if a.Replayed {
		b = append(b, `,"replayed":true`...)
	}
	return append(b, '}')
}

func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}

// EncodeEvent writes an event as it goes over the wire. It must have been
// through [hub.Sights.Event], which takes away what stays inside.
func EncodeEvent(e *hub.Event) []byte { return e.AppendJSON(make([]byte, 0, 512)) }
