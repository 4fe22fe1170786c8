package sessions

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/enginetest"
	"github.com/samepage/samepage/presence"
)

// What things cost is held in counts: allocations, bytes, writes. Times are
// for the bench.

// meter counts what is written to the sockets of a listener.
type meter struct {
	net.Listener
	writes  atomic.Int64
	dialled []net.Conn // the devices' ends
}

type meteredConn struct {
	*net.TCPConn
	meter *meter
}

type meteredRaw struct {
	syscall.RawConn
	meter *meter
}

func (m *meter) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return meteredConn{conn.(*net.TCPConn), m}, nil
}

func (c meteredConn) Write(b []byte) (int, error) {
	c.meter.writes.Add(1)
	return c.TCPConn.Write(b)
}

func (c meteredConn) SyscallConn() (syscall.RawConn, error) {
	raw, err := c.TCPConn.SyscallConn()
	return meteredRaw{raw, c.meter}, err
}

func (r meteredRaw) Write(f func(fd uintptr) bool) error {
	r.meter.writes.Add(1)
	return r.RawConn.Write(f)
}

// audience is a server with n guests in the channel news, whose devices read nothing.
func audience(t *testing.T, n int) (s *Server, m *meter) {
	t.Helper()
	s, m, before := hall(t)
	before()
	for range n {
		admit(t, m, `{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"news"}}`)
	}
	for followers(s, "news") < n {
		time.Sleep(time.Millisecond)
	}
	written(s)
	return s, m
}

// followers are the subscriptions of a channel whose answer is queued.
func followers(s *Server, name hub.Channel) (n int) {
	shard := &s.topics[hub.Partition(name, topicShards)]
	shard.mu.Lock()
	t := shard.topics[name]
	shard.mu.Unlock()
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.groups {
		n += len(g.subs)
	}
	return n
}

// hall is an open server without anybody in it.
func hall(t testing.TB) (s *Server, m *meter, ready func()) {
	t.Helper()
	engine := enginetest.NewModel(enginetest.ModelOptions{})
	h := hub.New(engine, hub.Options{Namespaces: hub.Namespaces{
		WithoutNamespace: hub.ChannelOptions{AllowSubscribeForClient: true, HistorySize: 10, HistoryTTL: hub.Duration(time.Minute), ForceRecovery: true},
	}}, commerce.Model(commerce.Config{}))
	s = NewServer(h, presence.NewMemory(), nil, Options{Insecure: true, PingInterval: time.Hour, ConnectTimeout: time.Hour})
	var run sync.WaitGroup
	hubCtx, stopHub := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	run.Go(func() { _ = h.Run(hubCtx) })
	var serve sync.WaitGroup
	serve.Go(func() { _ = s.Run(ctx) })
	ts := httptest.NewUnstartedServer(s)
	m = &meter{Listener: ts.Listener}
	ts.Listener = m
	ts.Start()
	t.Cleanup(func() {
		for _, conn := range m.dialled {
			conn.Close()
		}
		stop()
		serve.Wait()
		stopHub()
		run.Wait()
		ts.Close()
		engine.Close()
	})
	return s, m, func() {
		for h.Ready() != nil {
			time.Sleep(time.Millisecond)
		}
	}
}

// admit opens a socket, says a few things, each in a frame, and reads nothing.
func admit(t *testing.T, m *meter, frames ...string) {
	t.Helper()
	conn, err := net.Dial("tcp", m.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	m.dialled = append(m.dialled, conn)
	b := []byte("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	for _, f := range frames {
		b = append(append(b, 0x81, 0x80|byte(len(f)), 0, 0, 0, 0), f...)
	}
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

// written waits until nothing is queued for anybody.
func written(s *Server) {
	for busy := true; busy; runtime.Gosched() {
		busy = false
		s.mu.Lock()
		for one := range s.open {
			one.out.mu.Lock()
			busy = busy || one.out.writing
			one.out.mu.Unlock()
		}
		s.mu.Unlock()
	}
}

// next is the position of the first message in the channel news.
func next(t *testing.T, s *Server) hub.Position {
	t.Helper()
	heads, err := s.hub.Engine().Heads(t.Context(), []hub.Channel{"news"})
	if err != nil {
		t.Fatal(err)
	}
	return hub.Position{Epoch: heads[0].Epoch, Offset: 1}
}

func TestAnEventForAThousandSocketsCostsTwoAllocationsAndAWriteEach(t *testing.T) {
	if testing.Short() {
		t.Skip("opens two thousand files")
	}
	const n, runs = 1000, 20
	s, m := audience(t, n)
	topic := s.topics[hub.Partition("news", topicShards)].topics["news"]
	message := &hub.Message{
		Channel: "news", Type: hub.MessagePublication, Position: next(t, s),
		Data: []byte(`"` + strings.Repeat("x", 200) + `"`),
	}
	deliver := func() {
		topic.Deliver(message)
		written(s)
	}
	deliver()
	m.writes.Store(0)
	allocations := testing.AllocsPerRun(runs, deliver)
	if raceEnabled {
		t.Log("the race detector allocates for itself: allocations are not held")
	} else if allocations > 2 {
		t.Errorf("%v allocations for an event, want at most 2", allocations)
	}
	if got := m.writes.Load(); got != (runs+1)*n { // AllocsPerRun warms up once
		t.Errorf("%d writes for %d deliveries", got, (runs+1)*n)
	}
}

func TestWhatPilesUpGoesOutInOneWrite(t *testing.T) {
	s, m := audience(t, 1)
	topic := s.topics[hub.Partition("news", topicShards)].topics["news"]
	var one *session
	for o := range s.open {
		one = o
	}
	m.writes.Store(0)
	one.out.hold()
	for range 50 {
		topic.Deliver(&hub.Message{Channel: "news", Type: hub.MessagePublication, Data: []byte(`{}`)})
	}
	one.out.release()
	written(s)
	if got := m.writes.Load(); got > 5 { // a hold ends after a while, however slow the machine
		t.Fatalf("%d writes for 50 messages that waited together", got)
	}
}

func TestConnectingAndSubscribingInOneFrameIsAnsweredInOneWrite(t *testing.T) {
	s, m, ready := hall(t)
	ready()
	for i := range 20 { // a hold ends after a while: on a machine that is too slow for once, another try
		before := m.writes.Load()
		admit(t, m, `{"id":1,"connect":{}}`+"\n"+`{"id":2,"subscribe":{"channel":"news"}}`)
		for s.Stats().Subscriptions <= i {
			time.Sleep(time.Millisecond)
		}
		written(s)
		if m.writes.Load()-before == 2 { // the upgrade, and the answer
			return
		}
	}
	t.Fatal("the answers to connect and subscribe never shared a write")
}

func TestAnIdleSessionKeepsLittleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's memory is not ours")
	}
	const n = 500
	s, m, ready := hall(t)
	ready()
	memory := func() (heap, stacks uint64) {
		runtime.GC()
		runtime.GC() // the pools give back what they hold at the second
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc, stats.StackInuse
	}
	heap, stacks := memory()
	for i := range n {
		admit(t, m, `{"id":1,"connect":{}}`, fmt.Sprintf(`{"id":2,"subscribe":{"channel":"idle-%d"}}`, i))
	}
	for s.Stats().Subscriptions < n {
		time.Sleep(time.Millisecond)
	}
	written(s)
	time.Sleep(50 * time.Millisecond)
	h, st := memory()
	perHeap, perStack := int64(h-heap)/n, int64(st-stacks)/n
	t.Logf("%d B of heap a session, the test's end of the socket included, and %d B of stack", perHeap, perStack)
	if perHeap > 6<<10 {
		t.Errorf("%d B of heap a session, want at most 6 KiB", perHeap)
	}
	if perStack > 3<<10 {
		t.Errorf("%d B of stack a session, want at most 3 KiB: one small stack", perStack)
	}
}

func TestACommandAllocatesLittle(t *testing.T) {
	s, _, ready := hall(t)
	ready()
	backend := &Identity{Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "test"}}}
	a, _ := s.Command(t.Context(), backend, "catalog.set",
		[]byte(`{"id":"p","on":"catalog:default","args":{"items":{"latte":{"name":"Latte","price":{"amount":1,"currency":"USD"}}}}}`))
	if a.Problem != nil {
		t.Fatal(a.Problem)
	}
	customer := &Identity{Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleCustomer, ID: "c-1"}, Context: "c-1"}}
	i := 0
	got := testing.AllocsPerRun(100, func() {
		i++
		body := fmt.Appendf(nil, `{"id":"a-%d","on":"context:c-1","args":{"sku":"latte","quantity":1}}`, i)
		a, on := s.Command(t.Context(), customer, "cart.add_line", body)
		if a.Problem != nil {
			t.Fatal(a.Problem)
		}
		_ = s.EncodeAnswer(customer, on, a)
	})
	t.Logf("%v allocations a command", got)
	if got > 220 {
		t.Errorf("%v allocations for a command, want at most 220", got)
	}
}

func TestABodyReadInPlaceSaysWhatTheDecoderSays(t *testing.T) {
	for _, body := range []string{
		`{"id":"a","on":"context:c","args":{"x":[1,{"y":"}"}]},"if_version":{"cart/1":3}}`,
		`{ "args" : null , "id" : "a" }`, `{"id":"a","id":"b","on":"x"}`, `{"id":""}`,
		`{}`, `null`, `5`, ``, `[]`, `{"id":"a"`, `{"id":"a"}{}`, `{"id":5}`, `{"ID":"a"}`, `{"id":"a","other":1}`,
		`{"id":"\u0061","on":"kä"}`, "{\"id\":\"\xff\"}", `{"if_version":{"a":-1}}`, `{"if_version":null}`, `{"id":null}`,
	} {
		got, p := decodeCommand([]byte(body))
		want, q := decodeStrictly([]byte(body))
		if (p == nil) != (q == nil) || got.ID != want.ID || got.On != want.On || fmt.Sprint(got.IfVersion) != fmt.Sprint(want.IfVersion) ||
			!same(got.Args, want.Args) {
			t.Errorf("%s: read as %+v %v, decoded as %+v %v", body, got, p, want, q)
		}
	}
}

func same(a, b json.RawMessage) bool { return string(a) == string(b) }
