package redistest

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy stands between clients and a server, and can be told to misbehave.
type Proxy struct {
	// Deaf, while true, swallows what the server says on connections that subscribe: they look
	// alive and deliver nothing.
	Deaf atomic.Bool
	// Delay is how many milliseconds everything takes on its way.
	Delay atomic.Int64
	// Instead, if set before the first connection, is what the server is made to say in place of
	// something else of the same length.
	Instead map[string]string

	denied   atomic.Bool
	listener net.Listener
	to       string

	mu     sync.Mutex
	conns  map[net.Conn]bool
	writes int
}

// StartProxy begins to pass connections on to a server.
func StartProxy(t testing.TB, to *Server) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, to: to.Addr(), conns: map[net.Conn]bool{}}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { p.pass(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.Cut()
		work.Wait()
	})
	return p
}

// URL is the address as an engine takes it.
func (p *Proxy) URL() string {
	return "redis://127.0.0.1:" + strconv.Itoa(p.listener.Addr().(*net.TCPAddr).Port)
}

// Cut closes all connections, in the middle of whatever they carry.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// HalfClose ends what clients can send, while the server can still answer.
func (p *Proxy) HalfClose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, client := range p.conns {
		if !client {
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}
}

// Requests is how many times anything came from clients: round trips, while
// there is no more than one at a time and each fits into one read.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writes
}

func (p *Proxy) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, false
	p.mu.Unlock()
	if p.denied.Load() {
		p.Cut()
	}
	defer func() {
		p.mu.Lock()
		delete(p.conns, client)
		delete(p.conns, server)
		p.mu.Unlock()
	}()
	var subscribes atomic.Bool
	var work sync.WaitGroup
	work.Go(func() {
		defer server.Close()
		p.copy(server, client, func(b []byte) bool {
			if bytes.Contains(b, []byte("SUBSCRIBE")) {
				subscribes.Store(true)
			}
			p.mu.Lock()
			p.writes++
			p.mu.Unlock()
			return true
		})
	})
	p.copy(client, server, func(b []byte) bool {
		for said, instead := range p.Instead {
			copy(b, bytes.ReplaceAll(b, []byte(said), []byte(instead)))
		}
		return !subscribes.Load() || !p.Deaf.Load()
	})
	_ = client.Close()
	work.Wait()
}

func (p *Proxy) copy(to io.Writer, from io.Reader, passes func([]byte) bool) {
	b := make([]byte, 256<<10)
	for {
		n, err := from.Read(b)
		if d := p.Delay.Load(); d > 0 {
			time.Sleep(time.Duration(d) * time.Millisecond)
		}
		if n > 0 && passes(b[:n]) {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Deny cuts all connections and lets no new one through, until Allow.
func (p *Proxy) Deny() {
	p.denied.Store(true)
	p.Cut()
}

// Allow ends Deny.
func (p *Proxy) Allow() { p.denied.Store(false) }
