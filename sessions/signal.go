package sessions

import (
	"context"
	"encoding/json"
	"time"

	"github.com/samepage/samepage/hub"
)

// signals are the methods that leave no trace: carried to whoever follows the
// channel now, and forgotten.
const (
	signalTyping  = "signal.typing"
	signalViewing = "signal.viewing"
)

var signals = map[string]bool{signalTyping: true, signalViewing: true}

// maxSignal is the largest data of a signal, in bytes.
const maxSignal = 1 << 10

// signal sends one to the channel, if the caller may see it.
func (s *Server) signal(ctx context.Context, id *Identity, method string, req CommandRequest) *hub.Problem {
	if err := req.On.Valid(); err != nil || req.On.Kind() != hub.KindContext {
		return hub.Faults{"/on": "signals go to a context channel"}.Problem()
	}
	if p := s.access.Subscribe(ctx, id, req.On); p != nil {
		return p
	}
	if len(req.Args) > maxSignal {
		return hub.Problemf(hub.CodeTooLarge, "a signal has at most %d bytes", maxSignal).With(map[string]any{"limit": maxSignal})
	}
	data, err := json.Marshal(&hub.Event{Type: method, At: hub.At(time.Now()), By: id.Actor, Data: req.Args})
	if err == nil {
		err = s.hub.Send(ctx, &hub.Message{Channel: req.On, Type: hub.MessageSignal, Data: data})
	}
	if err != nil {
		return hub.Problemf(hub.CodeUnavailable, "the signal could not be sent; it is not kept")
	}
	return nil
}

// SignalFor is the data of a signal as an audience may see it, nil if it may
// not. Customers do not learn which of the staff looks at them, only that
// somebody types.
func SignalFor(a hub.Audience, data []byte) []byte {
	switch a.Role {
	case hub.RoleCustomer, hub.RoleGuest, hub.RoleBot:
	default:
		return data
	}
	var e hub.Event
	if json.Unmarshal(data, &e) != nil {
		return nil
	}
	if e.By.Role == hub.RoleCustomer {
		return data
	}
	if e.Type == signalViewing {
		return nil
	}
	e.By = hub.Actor{Role: e.By.Role}
	return EncodeEvent(&e)
}
