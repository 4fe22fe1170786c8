package sessions

import (
	"bytes"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// rpc answers the command of that name: a command of the shop. What the
// protocol has an error for is one; every other refusal is an answer.
func (s *session) rpc(c task) (*protocol.RPCResult, *Code) {
	req := c.Rpc
	id := s.identity.Load()
	m, known := s.server.hub.Methods()[req.Method]
	switch {
	case !known && !signals[req.Method] && id.Role == hub.RoleGuest:
		return nil, ErrorNotAvailable // there are no methods for guests, as in a Centrifugo without an rpc proxy
	case !known && !signals[req.Method]:
		return nil, ErrorMethodNotFound
	case known && !m.Allows(id.Role):
		return nil, ErrorPermissionDenied
	case !isObject(req.Data):
		return nil, ErrorBadRequest
	}
	answer, on := s.server.command(s.server.ctx, id, req.Method, c.body, c.problem)
	if p := answer.Problem; p != nil && p.Code == hub.CodeBadRequest {
		return nil, ErrorBadRequest
	}
	return &protocol.RPCResult{Data: s.server.EncodeAnswer(id, on, answer)}, nil
}

// isObject tells by its first byte whether a body that can be read is one.
func isObject(data []byte) bool {
	data = bytes.TrimSpace(data)
	return len(data) > 0 && data[0] == '{'
}
