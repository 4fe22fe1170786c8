package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// socket speaks the client protocol (JSON) with nothing between it and the wire.
type socket struct {
	t    *testing.T
	conn *websocket.Conn

	mu      sync.Mutex // guards the following fields
	next    int
	replies map[int]json.RawMessage
	pushes  []push
	closed  error
}

// push is what the server sent by itself.
type push struct {
	Channel string `json:"channel"`
	Pub     *struct {
		Data   json.RawMessage `json:"data"`
		Offset int             `json:"offset"`
	} `json:"pub"`
	Join        json.RawMessage `json:"join"`
	Leave       json.RawMessage `json:"leave"`
	Subscribe   *subscribed     `json:"subscribe"` // by the server
	Unsubscribe *struct {
		Code   int    `json:"code"`
		Reason string `json:"reason"`
	} `json:"unsubscribe"`
}

// event is the event in a push or publication.
type event struct {
	Type    string `json:"type"`
	Cause   string `json:"cause"`
	Changes []struct {
		Key   string          `json:"key"`
		V     int             `json:"v"`
		Patch json.RawMessage `json:"patch"`
		Doc   json.RawMessage `json:"doc"`
		Gone  bool            `json:"gone"`
	} `json:"changes"`
}

// subscribed is the answer to a subscribe.
type subscribed struct {
	Recoverable  bool   `json:"recoverable"`
	Positioned   bool   `json:"positioned"`
	Recovered    bool   `json:"recovered"`
	Epoch        string `json:"epoch"`
	Offset       int    `json:"offset"`
	Publications []struct {
		Data   json.RawMessage `json:"data"`
		Offset int             `json:"offset"`
	} `json:"publications"`
	Data struct {
		Role    string `json:"role"`
		Entries map[string]struct {
			V   int             `json:"v"`
			Doc json.RawMessage `json:"doc"`
		} `json:"entries"`
	} `json:"data"`
}

// dial opens a socket and says nothing.
func (p *program) dial(t *testing.T) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(p.url, "http")+"/connection/websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(16 << 20)
	s := &socket{t: t, conn: conn, replies: map[int]json.RawMessage{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.read()
	}()
	t.Cleanup(func() {
		_ = conn.CloseNow()
		<-done
	})
	return s
}

// connect opens a socket for a token.
func (p *program) connect(t *testing.T, token string) *socket {
	t.Helper()
	s := p.dial(t)
	s.ask("connect", fmt.Sprintf(`{"token":%q}`, token), nil)
	return s
}

func (s *socket) read() {
	for {
		_, frame, err := s.conn.Read(context.Background())
		s.mu.Lock()
		if err != nil {
			s.closed = err
			s.mu.Unlock()
			return
		}
		for line := range bytes.Lines(frame) {
			line = bytes.TrimSpace(line)
			var m struct {
				ID   int   `json:"id"`
				Push *push `json:"push"`
			}
			switch err := json.Unmarshal(line, &m); {
			case len(line) == 0:
			case err != nil:
				s.closed = fmt.Errorf("not JSON: %s", line)
			case m.Push != nil:
				s.pushes = append(s.pushes, *m.Push)
			case m.ID > 0:
				s.replies[m.ID] = slices.Clone(line)
			default:
				_ = s.conn.Write(context.Background(), websocket.MessageText, []byte("{}"))
			}
		}
		s.mu.Unlock()
	}
}

// send writes a frame as it is.
func (s *socket) send(frame string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		s.t.Fatal(err)
	}
}

// try sends a command of the protocol and returns the whole reply.
func (s *socket) try(command, params string) json.RawMessage {
	s.t.Helper()
	s.mu.Lock()
	s.next++
	id := s.next
	s.mu.Unlock()
	s.send(fmt.Sprintf(`{"id":%d,%q:%s}`, id, command, strings.ReplaceAll(params, "\n", " "))) // a line is a command
	var reply json.RawMessage
	eventually(s.t, "a reply to "+command+" "+params, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		reply = s.replies[id]
		if reply == nil && s.closed != nil {
			s.t.Fatalf("%s %s: closed: %v", command, params, s.closed)
		}
		return reply != nil
	})
	return reply
}

// ask is try for what must be answered without an error; result may be nil.
func (s *socket) ask(command, params string, result any) {
	s.t.Helper()
	reply := s.try(command, params)
	if e := field(reply, "error"); e != nil {
		s.t.Fatalf("%s %s: %v", command, params, e)
	}
	if result == nil {
		return
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(reply, &body); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(body[command], result); err != nil {
		s.t.Fatalf("%s: %v", reply, err)
	}
}

func (s *socket) subscribe(channel string) subscribed {
	s.t.Helper()
	var r subscribed
	s.ask("subscribe", fmt.Sprintf(`{"channel":%q}`, channel), &r)
	return r
}

func (s *socket) recover(channel, epoch string, offset int) subscribed {
	s.t.Helper()
	var r subscribed
	s.ask("subscribe", fmt.Sprintf(`{"channel":%q,"recover":true,"epoch":%q,"offset":%d}`, channel, epoch, offset), &r)
	return r
}

// command sends a command by rpc and returns the answer, problem or not.
func (s *socket) command(method, on, id, args string) answer {
	s.t.Helper()
	var r struct {
		Data json.RawMessage `json:"data"`
	}
	s.ask("rpc", fmt.Sprintf(`{"method":%q,"data":{"id":%q,"on":%q,"args":%s}}`, method, id, on, args), &r)
	return answer{body: r.Data}
}

// versioned is command with the versions it is decided on.
func (s *socket) versioned(method, on, id, args, versions string) answer {
	s.t.Helper()
	var r struct {
		Data json.RawMessage `json:"data"`
	}
	s.ask("rpc", fmt.Sprintf(`{"method":%q,"data":{"id":%q,"on":%q,"args":%s,"if_version":%s}}`, method, id, on, args, versions), &r)
	return answer{body: r.Data}
}

// accepted is command for what must be accepted.
func (s *socket) accepted(method, on, id, args string) answer {
	s.t.Helper()
	a := s.command(method, on, id, args)
	if p := a.field("problem"); p != nil {
		s.t.Fatalf("%s on %s: %v", method, on, p)
	}
	return a
}

// events are those that came on a channel, by offset.
func (s *socket) events(channel string) map[int]event {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[int]event{}
	for _, p := range s.pushes {
		if p.Channel == channel && p.Pub != nil {
			var e event
			if err := json.Unmarshal(p.Pub.Data, &e); err != nil {
				s.t.Errorf("not an event: %s", p.Pub.Data)
			}
			if _, twice := all[p.Pub.Offset]; twice {
				s.t.Errorf("offset %d of %s came twice", p.Pub.Offset, channel)
			}
			all[p.Pub.Offset] = e
		}
	}
	return all
}

// saw waits for an event of a type on a channel and returns its offset.
func (s *socket) saw(channel, eventType string) int {
	s.t.Helper()
	at := 0
	eventually(s.t, eventType+" on "+channel, func() bool {
		for offset, e := range s.events(channel) {
			if e.Type == eventType {
				at = offset
			}
		}
		return at > 0
	})
	return at
}

// closeCode waits for the end of the socket and says with which code it came.
func (s *socket) closeCode() int {
	s.t.Helper()
	var err error
	eventually(s.t, "the socket is closed", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		err = s.closed
		return err != nil
	})
	if e, ok := errors.AsType[websocket.CloseError](err); ok {
		return int(e.Code)
	}
	return 0
}

// drop is a phone that loses its network.
func (s *socket) drop() {
	_ = s.conn.CloseNow()
	eventually(s.t, "the socket is gone", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.closed != nil
	})
}

// folded applies events to entries as a client does, and returns the documents.
func folded(t *testing.T, from subscribed, events map[int]event) map[string]string {
	t.Helper()
	docs := map[string]any{}
	for key, e := range from.Data.Entries {
		docs[key] = decode(t, e.Doc)
	}
	offsets := make([]int, 0, len(events))
	for offset := range events {
		offsets = append(offsets, offset)
	}
	slices.Sort(offsets)
	for _, offset := range offsets {
		for _, c := range events[offset].Changes {
			switch {
			case c.Gone:
				delete(docs, c.Key)
			case c.Doc != nil:
				docs[c.Key] = decode(t, c.Doc)
			default:
				docs[c.Key] = merge(docs[c.Key], decode(t, c.Patch))
			}
		}
	}
	texts := map[string]string{}
	for key, doc := range docs {
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		texts[key] = string(b)
	}
	return texts
}

func decode(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// merge is RFC 7386.
func merge(doc, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	d, ok := doc.(map[string]any)
	if !ok {
		d = map[string]any{}
	}
	for name, v := range p {
		if v == nil {
			delete(d, name)
		} else {
			d[name] = merge(d[name], v)
		}
	}
	return d
}
