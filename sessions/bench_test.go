package sessions

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/presence"
)

// pipe is a connection whose peer says a few things and then listens for ever.
type pipe struct {
	net.Conn
	in     chan []byte
	rest   []byte
	once   sync.Once
	closed chan struct{}
	writes *atomic.Int64
}

func (p *pipe) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		select {
		case p.rest = <-p.in:
		case <-p.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pipe) Write(b []byte) (int, error) { p.writes.Add(1); return len(b), nil }
func (p *pipe) Close() error                { p.once.Do(func() { close(p.closed) }); return nil }

type pipeWriter struct {
	*httptest.ResponseRecorder
	pipe *pipe
}

func (w pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.pipe, bufio.NewReadWriter(bufio.NewReader(w.pipe), bufio.NewWriter(w.pipe)), nil
}

// crowd is a server with n guests in a channel, each on a pipe.
func crowd(b *testing.B, n int) (s *Server, writes *atomic.Int64) {
	h := hub.New(enginetest.NewModel(enginetest.ModelOptions{}), hub.Options{Namespaces: hub.Namespaces{
		WithoutNamespace: hub.ChannelOptions{AllowSubscribeForClient: true, HistorySize: 10, HistoryTTL: hub.Duration(time.Minute), ForceRecovery: true},
	}})
	s = NewServer(h, presence.NewMemory(), nil, Options{Insecure: true, PingInterval: time.Hour, ConnectTimeout: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = h.Run(ctx) })
	serve, stop := context.WithCancel(context.Background())
	run.Go(func() { _ = s.Run(serve) })
	writes = new(atomic.Int64)
	var pipes []*pipe
	for range n {
		p := &pipe{in: make(chan []byte, 2), closed: make(chan struct{}), writes: writes}
		pipes = append(pipes, p)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
			r.Header.Set(k, v)
		}
		s.ServeHTTP(pipeWriter{httptest.NewRecorder(), p}, r)
		for _, m := range []string{`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"news"}}`} {
			p.in <- append([]byte{0x81, 0x80 | byte(len(m)), 0, 0, 0, 0}, m...)
		}
	}
	for s.Stats().Subscriptions < n {
		time.Sleep(time.Millisecond)
	}
	for before := int64(-1); before != writes.Load(); time.Sleep(50 * time.Millisecond) {
		before = writes.Load() // replies may share a frame
	}
	b.Cleanup(func() {
		for _, p := range pipes {
			p.Close()
		}
		stop()
		cancel()
		run.Wait()
	})
	return s, writes
}

// One publication to many sockets: until it is written to all of them.
func BenchmarkFanout(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, writes := crowd(b, n)
			data := []byte(`"` + strings.Repeat("x", 200) + `"`)
			writes.Store(0)
			want := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.hub.Publish(b.Context(), "news", hub.Publication{Data: data}); err != nil {
					b.Fatal(err)
				}
				for want += int64(n); writes.Load() < want; {
					runtime.Gosched()
				}
			}
		})
	}
}

func BenchmarkDelta(b *testing.B) {
	source := []byte(`{"index":1,"padding":"` + strings.Repeat("x1y2", 500) + `"}`)
	target := []byte(`{"index":2,"padding":"` + strings.Repeat("x1y2", 500) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		if makeDelta(source, target) == nil {
			b.Fatal("no delta")
		}
	}
}
