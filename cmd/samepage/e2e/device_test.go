package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// device follows one channel as an SDK does, whatever happens: it connects
// again when it is cut off, subscribes again when it is told to, and recovers
// from where it was. What it holds is what it was told, no more.
type device struct {
	t       *testing.T
	nodes   func() []string // where a node may be reached, the preferred one first
	token   string
	channel string
	saw     func(cause string) // of every event
	heard   func(frame []byte) // all that it is told; nil: nobody listens

	mu        sync.Mutex // guards the following fields
	epoch     string
	offset    int
	docs      map[string]any // by key; nil before the first snapshot
	recovered int
	resynced  int
	last      string // what was said last, for a test that fails
}

// run lives until ctx ends.
func (d *device) run(ctx context.Context) {
	for try := 0; ctx.Err() == nil; try++ {
		nodes := d.nodes()
		if err := d.live(ctx, nodes[try%len(nodes)]); errors.Is(err, errDiverged) {
			d.t.Errorf("%s: %v", d.channel, err)
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

var errDiverged = errors.New("diverged")

// live is one connection.
func (d *device) live(ctx context.Context, url string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dialing, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	conn, _, err := websocket.Dial(dialing, "ws"+strings.TrimPrefix(url, "http")+"/connection/websocket", nil)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(64 << 20)
	frame := fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, d.token)
	id := 1
	d.note("connects to " + url)
	subscribe := func() error {
		id++
		d.mu.Lock()
		defer d.mu.Unlock()
		frame = fmt.Sprintf(`{"id":%d,"subscribe":{"channel":%q}}`, id, d.channel)
		if d.docs != nil {
			frame = fmt.Sprintf(`{"id":%d,"subscribe":{"channel":%q,"recover":true,"epoch":%q,"offset":%d}}`, id, d.channel, d.epoch, d.offset)
		}
		d.last = frame
		return conn.Write(ctx, websocket.MessageText, []byte(frame))
	}
	if err := conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		return err
	}
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			d.note("closed: " + err.Error())
			return err
		}
		d.note(string(frame))
		if d.heard != nil {
			d.heard(frame)
		}
		for line := range bytes.Lines(frame) {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			var m struct {
				ID        int             `json:"id"`
				Error     json.RawMessage `json:"error"`
				Connect   json.RawMessage `json:"connect"`
				Subscribe *subscribed     `json:"subscribe"`
				Push      *struct {
					Pub *struct {
						Data   json.RawMessage `json:"data"`
						Offset int             `json:"offset"`
					} `json:"pub"`
					Unsubscribe json.RawMessage `json:"unsubscribe"`
				} `json:"push"`
			}
			if err := json.Unmarshal(line, &m); err != nil {
				return fmt.Errorf("%w: not JSON: %s", errDiverged, line)
			}
			switch {
			case m.Error != nil && m.ID == 1:
				return fmt.Errorf("connect: %s", m.Error)
			case m.Error != nil:
				time.Sleep(100 * time.Millisecond)
				err = subscribe()
			case m.Connect != nil:
				err = subscribe()
			case m.Subscribe != nil:
				err = d.begin(m.Subscribe)
			case m.Push != nil && m.Push.Unsubscribe != nil:
				err = subscribe()
			case m.Push != nil && m.Push.Pub != nil:
				err = d.apply(m.Push.Pub.Offset, m.Push.Pub.Data)
			case m.ID == 0 && m.Push == nil:
				err = conn.Write(ctx, websocket.MessageText, []byte("{}"))
			}
			if err != nil {
				return err
			}
		}
	}
}

// begin takes the answer to a subscribe.
func (d *device) begin(s *subscribed) error {
	d.mu.Lock()
	if !s.Recovered {
		if d.docs != nil {
			d.resynced++
		}
		d.docs = map[string]any{}
		for key, e := range s.Data.Entries {
			var doc any
			if err := json.Unmarshal(e.Doc, &doc); err != nil {
				d.mu.Unlock()
				return err
			}
			d.docs[key] = doc
		}
		d.epoch, d.offset = s.Epoch, s.Offset
		d.mu.Unlock()
		return nil
	}
	same := d.epoch == s.Epoch
	d.recovered++
	d.mu.Unlock()
	if !same {
		return fmt.Errorf("%w: recovered in epoch %s from epoch %s", errDiverged, s.Epoch, d.epoch)
	}
	for _, pub := range s.Publications {
		if err := d.apply(pub.Offset, pub.Data); err != nil {
			return err
		}
	}
	d.mu.Lock()
	d.offset = max(d.offset, s.Offset)
	d.mu.Unlock()
	return nil
}

// apply takes one event.
func (d *device) apply(offset int, data json.RawMessage) error {
	if offset == 0 {
		return nil
	}
	var e event
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("%w: not an event: %s", errDiverged, data)
	}
	d.mu.Lock()
	if offset <= d.offset {
		defer d.mu.Unlock()
		return fmt.Errorf("%w: offset %d after %d", errDiverged, offset, d.offset)
	}
	d.offset = offset
	for _, c := range e.Changes {
		switch {
		case c.Gone:
			delete(d.docs, c.Key)
		case c.Doc != nil:
			d.docs[c.Key] = decode(d.t, c.Doc)
		default:
			d.docs[c.Key] = merge(d.docs[c.Key], decode(d.t, c.Patch))
		}
	}
	d.mu.Unlock()
	d.saw(e.Cause)
	return nil
}

func (d *device) note(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = text
}

// doing is what was said last on its connection.
func (d *device) doing() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("%.200s", d.last)
}

// holds are the documents as the device knows them, and the epoch they are of.
func (d *device) holds() (string, map[string]string) {
	d.mu.Lock()
	docs := maps.Clone(d.docs)
	epoch := d.epoch
	texts := map[string]string{}
	for key, doc := range docs {
		b, err := json.Marshal(doc)
		if err != nil {
			d.t.Error(err)
		}
		texts[key] = string(b)
	}
	d.mu.Unlock()
	return epoch, texts
}
