package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
)

// sse is one server-sent event.
type sse struct {
	id, event, data string
	beat            bool // a comment, perhaps with an id
}

// reader reads a stream.
type reader struct {
	t    testing.TB
	resp *http.Response
	in   *bufio.Scanner
	stop context.CancelFunc
}

func (h *house) stream(path string, header http.Header) *reader {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 30*time.Second) // a test that waits for nothing fails
	req, err := http.NewRequestWithContext(ctx, "GET", h.URL+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := h.Client().Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { cancel(); resp.Body.Close() })
	r := &reader{h.t, resp, bufio.NewScanner(resp.Body), cancel}
	r.in.Buffer(nil, 1<<20)
	return r
}

// next is the next event; ok is false at the stream's end.
func (r *reader) next() (e sse, ok bool) {
	r.t.Helper()
	some := false
	for r.in.Scan() {
		name, value, _ := strings.Cut(r.in.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case r.in.Text() == "":
			if some {
				return e, true
			}
		case name == "":
			e.beat, some = true, true
		case name == "id":
			e.id, some = value, true
		case name == "event":
			e.event, some = value, true
		case name == "data":
			e.data, some = e.data+value, true
		case name == "retry":
		default:
			r.t.Errorf("a line of a stream: %q", r.in.Text())
		}
	}
	return e, false
}

// want reads the next event that is no heartbeat.
func (r *reader) want(event, id string) sse {
	r.t.Helper()
	for {
		e, ok := r.next()
		if !ok {
			r.t.Fatalf("the stream ended (%v), want %s %s", r.in.Err(), event, id)
		}
		if e.beat {
			continue
		}
		if e.event != event || e.id != id {
			r.t.Fatalf("event %q id %q %s, want %q %q", e.event, e.id, e.data, event, id)
		}
		if !json.Valid([]byte(e.data)) {
			r.t.Fatalf("data %q", e.data)
		}
		return e
	}
}

func (r *reader) ends() {
	r.t.Helper()
	for {
		if e, ok := r.next(); !ok {
			if r.in.Err() != nil {
				r.t.Errorf("the stream broke: %v", r.in.Err())
			}
			return
		} else if !e.beat {
			r.t.Errorf("event %+v, want the end", e)
		}
	}
}

const contextEvents = "/v1/channels/context:c-42/events"

func TestStreamBeginsWithASnapshotAndGoesOnLive(t *testing.T) {
	h := open(t, nil)
	pos := h.write("a", "one", false)
	at := func(n uint64) string { return hub.Position{Epoch: pos.Epoch, Offset: n}.String() }
	r := h.stream(contextEvents, bearer(t, nil))
	if r.resp.StatusCode != 200 || r.resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", r.resp.StatusCode, r.resp.Header)
	}
	same(t, []byte(r.want("snapshot", at(1)).data), fmt.Sprintf(
		`{"channel":"context:c-42","epoch":%q,"offset":1,"entries":{"note/n1":{"v":1,"doc":{"text":"one","private":false}}}}`, pos.Epoch))
	h.write("b", "two", false)
	var event struct {
		Offset  uint64
		Type    string
		Cause   string
		Changes []struct{ Labels []string }
	}
	if err := json.Unmarshal([]byte(r.want("", at(2)).data), &event); err != nil || event.Offset != 2 || event.Type != "note.written" || event.Cause != "b" {
		t.Errorf("event %+v, %v", event, err)
	}
	h.write("c", "hidden", true) // the customer sees the note go
	if e := r.want("", at(3)); !strings.Contains(e.data, `"gone":true`) || strings.Contains(e.data, "hidden") || strings.Contains(e.data, "labels") {
		t.Errorf("event %s", e.data)
	}
	h.write("d", "still hidden", true)
	h.write("e", "back", false)
	r.want("", at(5))
}

func TestStreamResumesBehindLastEventID(t *testing.T) {
	h := open(t, nil)
	var pos hub.Position
	for i := range 4 {
		pos = h.write(fmt.Sprint("id-", i), fmt.Sprint("text ", i), false)
	}
	at := func(n uint64) string { return hub.Position{Epoch: pos.Epoch, Offset: n}.String() }
	header := bearer(t, nil)
	header.Set("Last-Event-ID", at(2))
	for _, r := range []*reader{h.stream(contextEvents, bearer(t, nil)), h.stream(contextEvents+"?after="+at(2), bearer(t, nil)),
		h.stream(contextEvents+"?after="+at(0), header)} { // the header is the later word
		if e, _ := r.next(); e.event == "snapshot" {
			continue // the first has no position
		} else if e.id != at(3) {
			t.Errorf("first event %+v, want %s", e, at(3))
		}
		r.want("", at(4))
	}
	r := h.stream(contextEvents+"?after="+at(4), bearer(t, nil))
	h.write("last", "live", false)
	r.want("", at(5))
}

func TestStreamOfALostPositionBeginsWithASnapshot(t *testing.T) {
	h := open(t, func(o *boltOptions, _ *hubOptions, _ *webOptions) { o.LogSize = 2 })
	var pos hub.Position
	for i := range 40 {
		pos = h.write(fmt.Sprint("id-", i), fmt.Sprint("text ", i), false)
	}
	for name, after := range map[string]string{"trimmed": pos.Epoch + ":1", "another epoch": "zzzz:3", "not yet happened": pos.Epoch + ":99"} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.stream(contextEvents+"?after="+after, bearer(t, nil)).want("snapshot", pos.String())
		})
	}
}

func TestStreamOfAPlainChannel(t *testing.T) {
	h := open(t, nil)
	pos, err := h.hub.Publish(t.Context(), "news", hub.Publication{Data: []byte("{\n \"n\": 1\n}")})
	if err != nil {
		t.Fatal(err)
	}
	fresh, resumed := h.stream("/v1/channels/news/events", bearer(t, nil)), h.stream("/v1/channels/news/events?after="+pos.Epoch+":0", bearer(t, nil))
	same(t, []byte(fresh.want("snapshot", pos.String()).data), fmt.Sprintf(`{"channel":"news","epoch":%q,"offset":1}`, pos.Epoch))
	same(t, []byte(resumed.want("", pos.String()).data), `{"offset":1,"data":{"n":1}}`)

	brief := h.stream("/v1/channels/open:x/events", bearer(t, nil))
	brief.want("snapshot", "")
	if _, err := h.hub.Publish(t.Context(), "open:x", hub.Publication{Data: []byte(`"hi"`)}); err != nil {
		t.Fatal(err)
	}
	same(t, []byte(brief.want("", "").data), `{"data":"hi"}`)
}

func TestStreamShowsThatItLives(t *testing.T) {
	h := open(t, func(_ *boltOptions, _ *hubOptions, o *webOptions) { o.Heartbeat = 10 * time.Millisecond })
	pos := h.write("a", "one", true)
	r := h.stream(contextEvents, bearer(t, nil))
	r.want("snapshot", pos.String())
	if e, ok := r.next(); !ok || !e.beat {
		t.Errorf("event %+v, want a heartbeat", e)
	}
	end := h.write("b", "two", true) // nothing of it is for the customer
	for {
		e, ok := r.next()
		if !ok || !e.beat {
			t.Fatalf("event %+v, want heartbeats", e)
		}
		if e.id == end.String() {
			return // a reader that comes back does not ask for what it may not see
		}
	}
}

func TestStreamCarriesSignalsForWhoMaySeeThem(t *testing.T) {
	h := open(t, nil)
	pos := h.write("a", "one", false)
	customer, service := h.stream(contextEvents, bearer(t, nil)), h.stream(contextEvents, key)
	customer.want("snapshot", pos.String())
	service.want("snapshot", pos.String())
	for _, method := range []string{"signal.viewing", "signal.typing"} {
		a := h.post("/v1/commands/"+method, key, `{"on":"context:c-42","args":{"conversation":"v1"}}`)
		same(t, a.body, `{}`)
	}
	if e := service.want("signal", ""); !strings.Contains(e.data, `"type":"signal.viewing"`) || !strings.Contains(e.data, `"id":"api"`) {
		t.Errorf("the service gets %s", e.data)
	}
	if e := customer.want("signal", ""); !strings.Contains(e.data, `"type":"signal.typing"`) || strings.Contains(e.data, `"id"`) {
		t.Errorf("the customer gets %s", e.data)
	}
}

func TestStreamEndsWithTheServer(t *testing.T) {
	h := open(t, nil)
	r := h.stream(contextEvents, bearer(t, nil))
	r.want("snapshot", h.position().String())
	if err := h.door.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.ends()
	h.get(contextEvents, http.Header{"Authorization": bearer(t, nil)["Authorization"], "Accept": {"text/event-stream"}}).problem(t, 503, "unavailable")
	var ready struct {
		Ready  bool
		Reason string
	}
	h.get("/readyz", nobody).into(t, 503, &ready)
	if ready.Ready || ready.Reason != "shutting down" {
		t.Errorf("ready %+v", ready)
	}
}

func TestStreamEndsWithTheToken(t *testing.T) {
	h := open(t, nil)
	r := h.stream(contextEvents, bearer(t, jwt.MapClaims{"exp": time.Now().Add(1100*time.Millisecond).Unix() + 1}))
	r.want("snapshot", h.position().String())
	r.ends()
}

func TestStreamLeavesNothingBehind(t *testing.T) {
	h := open(t, nil)
	r := h.stream(contextEvents, bearer(t, nil))
	r.want("snapshot", h.position().String())
	r.stop()
	if err := h.door.Shutdown(t.Context()); err != nil { // waits for streams
		t.Fatal(err)
	}
	if body := string(h.get("/metrics", nobody).body); !strings.Contains(body, "\nsamepage_streams 0\n") {
		t.Error("a stream is still counted")
	}
}

func TestSlowReaderIsCutOffAndOthersAreNot(t *testing.T) {
	h := open(t, func(o *boltOptions, _ *hubOptions, w *webOptions) {
		w.StreamBuffer, w.WriteTimeout = 8, 100*time.Millisecond
	})
	slow := h.stream("/v1/channels/news/events", bearer(t, nil))
	if e, _ := slow.next(); e.event != "snapshot" {
		t.Fatalf("event %+v", e)
	}
	data := []byte(`"` + strings.Repeat("x", 60<<10) + `"`)
	cut := false
	for range 2000 { // more than any socket buffer holds
		if _, err := h.hub.Publish(t.Context(), "news", hub.Publication{Data: data}); err != nil {
			t.Fatal(err)
		}
		if cut = strings.Contains(string(h.get("/metrics", nobody).body), "\nsamepage_streams 0\n"); cut {
			break
		}
	}
	if !cut {
		t.Fatal("a reader that does not read is still there")
	}
	_, err := io.Copy(io.Discard, slow.resp.Body)
	t.Logf("what the slow one reads afterwards ends with %v", err)
	other := h.stream("/v1/channels/news/events", bearer(t, nil))
	if e, ok := other.next(); !ok || e.event != "snapshot" {
		t.Errorf("another reader gets %+v", e)
	}
}

// position is where the customer's context stands.
func (h *house) position() hub.Position {
	h.t.Helper()
	snapshot, err := h.hub.Snapshot(h.t.Context(), "context:c-42")
	if err != nil {
		h.t.Fatal(err)
	}
	return snapshot.Position
}
