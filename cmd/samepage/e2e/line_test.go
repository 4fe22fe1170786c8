package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// line is a socket that somebody sends commands by, one after the other. A nil
// line is none.
type line struct {
	conn *websocket.Conn
	next int
}

// cut is a network that goes away.
func (l *line) cut() {
	if l != nil && l.conn != nil {
		_ = l.conn.CloseNow()
		l.conn = nil
	}
}

// rpc sends a command, on a new connection if there is none, and waits for its answer.
func (l *line) rpc(url, token, method, body string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if l.conn == nil {
		conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/connection/websocket", nil)
		if err != nil {
			return answer{}, err
		}
		conn.SetReadLimit(16 << 20)
		l.conn = conn
		if _, err := l.ask(ctx, fmt.Sprintf(`"connect":{"token":%q}`, token)); err != nil {
			return answer{}, err
		}
	}
	reply, err := l.ask(ctx, fmt.Sprintf(`"rpc":{"method":%q,"data":%s}`, method, strings.ReplaceAll(body, "\n", " ")))
	if err != nil {
		return answer{}, err
	}
	var r struct {
		RPC struct{ Data json.RawMessage }
		Err *struct{ Code int } `json:"error"`
	}
	if err := json.Unmarshal(reply, &r); err != nil {
		return answer{}, err
	}
	if r.Err != nil {
		return answer{400, fmt.Appendf(nil, `{"code":"forbidden","message":"error %d"}`, r.Err.Code)}, nil
	}
	return answer{200, r.RPC.Data}, nil
}

func (l *line) ask(ctx context.Context, what string) (json.RawMessage, error) {
	l.next++
	if err := l.conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"id":%d,%s}`, l.next, what)); err != nil {
		l.cut()
		return nil, err
	}
	for {
		_, frame, err := l.conn.Read(ctx)
		if err != nil {
			l.cut()
			return nil, err
		}
		for text := range bytes.Lines(frame) {
			var m struct {
				ID   int             `json:"id"`
				Push json.RawMessage `json:"push"`
			}
			if text = bytes.TrimSpace(text); len(text) == 0 || json.Unmarshal(text, &m) != nil {
				continue
			}
			switch {
			case m.ID == l.next:
				return slices.Clone(text), nil
			case m.ID == 0 && m.Push == nil:
				_ = l.conn.Write(ctx, websocket.MessageText, []byte("{}"))
			}
		}
	}
}

// over is one HTTP request to a node that may be going away; no token, the API key.
func over(method, url, token, body string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token == "" {
		r.Header.Set("X-API-Key", apiKey)
	} else {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, b}, err
}
