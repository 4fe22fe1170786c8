package sessions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/centrifugal/protocol"
	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
)

// peer is a client that speaks the protocol by hand.
type peer struct {
	t       *testing.T
	conn    *websocket.Conn
	binary  bool
	pending []string
	ids     int
}

func (h *house) dial() *peer { return h.dialAs("") }

func (h *house) dialAs(subprotocol string) *peer {
	h.t.Helper()
	var opts websocket.DialOptions
	if subprotocol != "" {
		opts.Subprotocols = []string{subprotocol}
	}
	conn, _, err := websocket.Dial(h.t.Context(), "ws"+strings.TrimPrefix(h.http.URL, "http"), &opts)
	if err != nil {
		h.t.Fatal(err)
	}
	conn.SetReadLimit(-1)
	p := &peer{t: h.t, conn: conn, binary: subprotocol == "centrifuge-protobuf"}
	h.t.Cleanup(func() { conn.CloseNow() })
	return p
}

// connected dials and connects with a token of these claims; nil: without one.
func (h *house) connected(claims jwt.MapClaims) *peer {
	h.t.Helper()
	p := h.dial()
	cmd := `{"id":1,"connect":{}}`
	if claims != nil {
		cmd = fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token(h.t, claims))
	}
	p.ids = 1
	p.send(cmd)
	if r := p.next(); !strings.HasPrefix(r, `{"id":1,"connect":{`) {
		h.t.Fatalf("connect: %s", r)
	}
	return p
}

// send writes one frame: JSON as given, or the same commands in Protobuf.
func (p *peer) send(frame string) {
	p.t.Helper()
	kind, b := websocket.MessageText, []byte(frame)
	if p.binary {
		kind, b = websocket.MessageBinary, nil
		d := protocol.NewJSONCommandDecoder([]byte(frame))
		for {
			c, err := d.Decode()
			if c != nil {
				one, _ := protocol.NewProtobufCommandEncoder().Encode(c)
				b = append(b, one...)
			}
			if err != nil {
				break
			}
		}
	}
	p.raw(kind, b)
}

func (p *peer) raw(kind websocket.MessageType, b []byte) {
	p.t.Helper()
	if err := p.conn.Write(p.t.Context(), kind, b); err != nil {
		p.t.Fatalf("send: %v", err)
	}
}

// call sends a request and returns its reply; pushes that come before it are kept.
func (p *peer) call(request string) string {
	p.t.Helper()
	p.ids++
	p.send(fmt.Sprintf(`{"id":%d,%s`, p.ids, request[1:]))
	var before []string
	for {
		r := p.next()
		if strings.HasPrefix(r, fmt.Sprintf(`{"id":%d,`, p.ids)) {
			p.pending = append(before, p.pending...)
			return r
		}
		before = append(before, r)
	}
}

// next is the next message, as JSON.
func (p *peer) next() string {
	p.t.Helper()
	m, err := p.read()
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	return m
}

func (p *peer) read() (string, error) {
	for len(p.pending) == 0 {
		ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
		_, frame, err := p.conn.Read(ctx)
		cancel()
		if err != nil {
			return "", err
		}
		if !p.binary {
			for line := range bytes.SplitSeq(frame, []byte("\n")) {
				p.pending = append(p.pending, string(line))
			}
			continue
		}
		d := protocol.NewProtobufReplyDecoder(frame)
		for {
			r, err := d.Decode()
			if err != nil {
				break
			}
			b, _ := protocol.NewJSONReplyEncoder().Encode(r)
			p.pending = append(p.pending, string(b))
		}
	}
	m := p.pending[0]
	p.pending = p.pending[1:]
	return m, nil
}

// closed is the code the server closes with; what comes before is passed over.
func (p *peer) closed() (websocket.StatusCode, string) {
	p.t.Helper()
	for {
		if _, err := p.read(); err != nil {
			var c websocket.CloseError
			if !errors.As(err, &c) {
				p.t.Fatalf("closed without a code: %v", err)
			}
			return c.Code, c.Reason
		}
	}
}

func wantReply(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("\ngot  %s\nwant %s", got, want)
	}
}

// reply is what tests look at in messages of the server.
type reply struct {
	ID        uint32
	Error     *struct{ Code int }
	Subscribe *subscribed
	Connect   *struct {
		Client  string
		Expires bool
		TTL     int
		Subs    map[string]*subscribed
	}
	RPC *struct {
		Data struct {
			Epoch    string
			Offset   uint64
			Event    *hub.Event
			Replayed bool
			Problem  *hub.Problem
		}
	}
	Refresh *struct {
		Expires bool
		TTL     int
	}
	SubRefresh *struct {
		Expires bool
		TTL     int
	} `json:"sub_refresh"`
	History *struct {
		Publications []pub
		Epoch        string
		Offset       uint64
	}
	Push *struct {
		Channel     string
		Pub         *pub
		Join, Leave *struct{ Info struct{ User, Client string } }
		Unsubscribe *struct{ Code int }
		Subscribe   *subscribed
	}
}

type subscribed struct {
	Recoverable, Positioned, Recovered bool
	WasRecovering                      bool `json:"was_recovering"`
	Expires                            bool
	TTL                                int
	Epoch                              string
	Offset                             uint64
	Publications                       []pub
	Data                               *struct {
		Entries map[string]hub.Entry
		Role    hub.Role
	}
}

type pub struct {
	Data   json.RawMessage
	Offset uint64
	Delta  bool
}

func parse(t *testing.T, s string) reply {
	t.Helper()
	var r reply
	if err := json.Unmarshal([]byte(s), &r); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return r
}

// subscribe answers the result of a subscription.
func (p *peer) subscribe(request string) *subscribed {
	p.t.Helper()
	r := p.call(`{"subscribe":` + request + `}`)
	if parse(p.t, r).Subscribe == nil {
		p.t.Fatalf("subscribe: %s", r)
	}
	return parse(p.t, r).Subscribe
}

// pub is the next publication on a channel.
func (p *peer) pub(channel string) pub {
	p.t.Helper()
	for {
		r := parse(p.t, p.next())
		if r.Push != nil && r.Push.Channel == channel && r.Push.Pub != nil {
			return *r.Push.Pub
		}
	}
}

func offsets(pubs []pub) string {
	var s []string
	for _, p := range pubs {
		s = append(s, fmt.Sprint(p.Offset))
	}
	return strings.Join(s, " ")
}
