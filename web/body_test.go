package web_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestBodyThatDoesNotArriveIsRefusedInTime(t *testing.T) {
	h := open(t, func(_ *boltOptions, _ *hubOptions, o *webOptions) { o.BodyTimeout = 50 * time.Millisecond })
	for _, sent := range []string{"", `{"id":`} {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /v1/commands/note.write HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n%s", token(t, nil), sent)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 400 {
			t.Errorf("after %q: %d", sent, resp.StatusCode)
		}
	}
}

func TestDeadlinesOfARequestEndWithIt(t *testing.T) {
	h := open(t, func(_ *boltOptions, _ *hubOptions, o *webOptions) {
		o.BodyTimeout, o.AnswerTimeout, o.Heartbeat = 250*time.Millisecond, 500*time.Millisecond, 60*time.Millisecond
	})
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for i := range 3 { // one connection, with pauses longer than any deadline
		body := `{"id":"","on":"context:c-42"}` // refused before anything waits for a disk
		fmt.Fprintf(conn, "POST /v1/commands/note.write HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", token(t, nil), len(body), body)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		answerOf(t, resp).problem(t, 422, "invalid")
		time.Sleep(600 * time.Millisecond)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n", contextEvents, token(t, nil))
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	for beats := 0; beats < 10; { // a stream outlives them too
		if !lines.Scan() {
			t.Fatalf("the stream ended after %d heartbeats: %v", beats, lines.Err())
		}
		if strings.HasPrefix(lines.Text(), ":") {
			beats++
		}
	}
}

func TestLongPagesEndEarly(t *testing.T) {
	h := open(t, nil)
	for i := range 30 {
		h.write(fmt.Sprint("id-", i), strings.Repeat(string(rune('a'+i)), 60<<10), false)
	}
	read, after := 0, ""
	for pages := 1; ; pages++ {
		var page eventPage
		a := h.get(contextEvents+"?limit=1000&after="+after, key)
		a.into(t, 200, &page)
		for _, e := range page.Events {
			if read++; e.Offset != uint64(read) {
				t.Fatalf("event %d comes as number %d", e.Offset, read)
			}
		}
		if len(a.body) > 2<<20 {
			t.Errorf("a page of %d bytes", len(a.body))
		}
		if after = page.Next; after == "" {
			if read != 30 || pages < 2 {
				t.Errorf("%d events on %d pages", read, pages)
			}
			return
		}
	}
}
