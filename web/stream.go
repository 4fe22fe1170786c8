package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// maxCatchUp is how many missed events a stream is given before it is given a
// snapshot instead.
const maxCatchUp = 4096

// stream is a channel's events over HTTP as server-sent events:
//
//	id: k3x9:18                 the position, for Last-Event-ID
//	data: {"offset":18,"type":"cart.line_added",…}
//
//	event: snapshot             where there is nothing to go on from
//	id: k3x9:18
//	data: {"channel":…,"epoch":…,"offset":18,"entries":{…}}
//
//	event: signal               typing, viewing: no id
//	data: {"type":"signal.typing",…}
//
// It ends with the server, the caller's token or rights, or a reader that is
// too slow; the reader comes back with the last id and goes on from there.
type stream struct {
	server *Server
	w      http.ResponseWriter
	rc     *http.ResponseController
	r      *http.Request
	id     *sessions.Identity
	ch     hub.Channel
	as     hub.Audience // of the reader on ch, as of the last attach

	positioned bool
	known      bool         // pos is where the reader stands
	pos        hub.Position // also moved by events that the reader may not see
	told       hub.Position // the last id that was sent
	sure       hub.Position // as of where the reader's right was looked at last
	begun      bool
	buf        bytes.Buffer
}

func (s *Server) stream(w http.ResponseWriter, r *http.Request, id *sessions.Identity, ch hub.Channel, after *hub.Position) error {
	if !s.streamStarts() {
		return hub.Problemf(hub.CodeUnavailable, "this server is going away; try again")
	}
	defer s.streams.Done()
	s.Metrics.streams.Inc()
	defer s.Metrics.streams.Dec()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if !id.ExpiresAt.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, id.ExpiresAt)
		defer cancel()
	}
	ctx, stop := s.Sessions.While(ctx, id) // until the caller is blocked
	defer stop()
	st := &stream{server: s, w: w, rc: http.NewResponseController(w), r: r.WithContext(ctx), id: id, ch: ch, positioned: ch.HasEntries()}
	if options, ok := s.Hub.Namespaces().Options(ch); ok && !st.positioned {
		st.positioned = options.Recoverable()
	}
	if after != nil {
		st.known, st.pos = true, *after
	}
	err := hub.ErrLost
	for errors.Is(err, hub.ErrLost) && ctx.Err() == nil {
		if err = st.move(ctx); err == nil {
			err = st.follow(ctx)
		}
	}
	if !st.begun {
		return err
	}
	s.log.Debug("a stream ended", "channel", ch, "identity", id, "reason", err)
	return nil
}

// move goes to the channel that this one is an alias of, if it is one; what is
// there is told by a snapshot.
func (st *stream) move(ctx context.Context) error {
	into, err := st.server.Hub.Resolve(ctx, st.ch)
	if err != nil {
		return err
	}
	if into == st.ch {
		return nil
	}
	if p := st.server.Access.Subscribe(ctx, st.id, into); p != nil {
		return p
	}
	st.ch, st.known, st.pos = into, false, hub.Position{}
	return nil
}

// turn is why a stream cannot go on as it is after a message: its channel was
// moved, or ended, or the reader's time with it is over.
func (st *stream) turn(m *hub.Message) error {
	if m.Type != hub.MessageEvent {
		return nil
	}
	for _, c := range m.Event.Changes {
		switch c.Key {
		case hub.AliasKey:
			if into, err := st.server.Hub.Resolve(st.r.Context(), st.ch); err == nil && into != st.ch {
				return hub.ErrLost
			}
		case hub.ErasedKey:
			return errErased
		}
	}
	if st.server.Access.Doubts(st.id, m) && (m.Position.Epoch != st.sure.Epoch || m.Position.Offset > st.sure.Offset) {
		if p := st.server.Access.Still(st.r.Context(), st.id, st.ch, m.Position); p != nil {
			return p
		}
		st.sure = m.Position
	}
	return nil
}

var errErased = errors.New("web: the customer was erased")

// follow attaches, catches up and passes on what comes. hub.ErrLost asks to
// do so again.
func (st *stream) follow(ctx context.Context) error {
	f := newFollower(st.server.StreamBuffer)
	feed, err := st.server.Hub.Attach(ctx, st.ch, st.positioned, f)
	if err != nil {
		return err
	}
	defer feed.Close()
	st.as = st.server.Access.Audience(ctx, st.id, st.ch)
	if err := st.catchUp(); err != nil {
		return err
	}
	heartbeat := time.NewTicker(st.server.Heartbeat)
	defer heartbeat.Stop()
	for {
		select {
		case m := <-f.messages:
			if err := st.message(m); err != nil {
				return err
			}
			for more := true; more; { // many that wait go in one write
				select {
				case m := <-f.messages:
					if err := st.message(m); err != nil {
						return err
					}
				default:
					more = false
				}
			}
			if err := st.flush(); err != nil {
				return err
			}
		case err := <-f.ended:
			return err
		case <-heartbeat.C:
			if p := st.server.Access.Subscribe(ctx, st.id, st.ch); p != nil {
				return p
			}
			st.beat()
			if err := st.flush(); err != nil {
				return err
			}
		case <-st.server.closing:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// catchUp brings the reader from where they stand to where the log ends: by
// the events in between, all of them, or by a snapshot.
func (st *stream) catchUp() error {
	if st.known && st.positioned {
		history, whole, err := st.server.Hub.Since(st.r.Context(), st.ch, st.pos, maxCatchUp)
		if err != nil {
			return err
		}
		if whole {
			if p := st.server.Access.Still(st.r.Context(), st.id, st.ch, history.Position); p != nil {
				return p
			}
			st.sure = history.Position
			st.begin()
			for _, m := range history.Messages {
				if err := st.message(m); err != nil {
					return err
				}
			}
			st.pos.Epoch = history.Position.Epoch
			return st.flush()
		}
	}
	body, err := st.server.look(st.r, st.id, st.ch)
	if err != nil {
		return err
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	st.begin()
	st.known, st.pos = true, hub.Position{Epoch: body.Epoch, Offset: body.Offset}
	st.sure = st.pos
	st.write("snapshot", true, data)
	return st.flush()
}

// message passes one on, unless the reader has it already.
func (st *stream) message(m *hub.Message) error {
	if m.Type == hub.MessageSignal {
		line := bytes.Buffer{}
		data := sessions.SignalFor(st.as, m.Data)
		if data != nil && json.Compact(&line, data) == nil { // one line, whoever wrote it
			st.write("signal", false, line.Bytes())
		}
		return nil
	}
	if st.positioned && m.Position.Offset > 0 {
		if m.Position.Epoch != st.pos.Epoch && st.pos.Epoch != "" {
			return hub.ErrLost
		}
		if m.Position.Offset <= st.pos.Offset {
			return nil
		}
		st.pos = m.Position
	}
	if line := st.server.encode(st.as, m); line != nil {
		st.write("", m.Position.Offset > 0, line)
	}
	if err := st.turn(m); err != nil {
		return errors.Join(err, st.flush())
	}
	return nil
}

func (st *stream) begin() {
	if st.begun {
		return
	}
	st.begun = true
	h := st.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies pass it on as it comes
	st.w.WriteHeader(http.StatusOK)
	st.buf.WriteString("retry: 2000\n\n")
}

// beat shows that the stream lives, and where the log stands if events went by unseen.
func (st *stream) beat() {
	st.buf.WriteString(": \n")
	if st.positioned && st.pos != st.told {
		st.told = st.pos
		st.buf.WriteString("id: " + st.pos.String() + "\n")
	}
	st.buf.WriteByte('\n')
}

// write adds one event; data is one line.
func (st *stream) write(event string, positioned bool, data []byte) {
	if event != "" {
		st.buf.WriteString("event: " + event + "\n")
	}
	if positioned && st.positioned {
		st.told = st.pos
		st.buf.WriteString("id: " + st.pos.String() + "\n")
	}
	st.buf.WriteString("data: ")
	st.buf.Write(data)
	st.buf.WriteByte('\n')
	st.buf.WriteByte('\n')
	st.server.Metrics.sent.WithLabelValues("sse").Inc()
}

// flush sends what was written, or gives the reader up.
func (st *stream) flush() error {
	defer st.buf.Reset()
	st.rc.SetWriteDeadline(time.Now().Add(st.server.WriteTimeout))
	if _, err := st.w.Write(st.buf.Bytes()); err != nil {
		return err
	}
	return st.rc.Flush()
}
