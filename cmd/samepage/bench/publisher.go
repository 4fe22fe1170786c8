package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// publisher publishes over HTTP with as many connections as are under way at
// once. It writes requests and reads answers by itself, which costs a tenth of
// what a client for all purposes does.
type publisher struct {
	load Load
	pad  string

	mu   sync.Mutex // guards the following field
	idle map[string][]*publishing
}

// publishing is one connection to one node.
type publishing struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
	out  []byte
}

const stampMark = `"t":`

func newPublisher(l Load) *publisher {
	return &publisher{
		load: l, idle: map[string][]*publishing{},
		pad: strings.Repeat("x", max(0, l.Size-len(`{"t":1700000000000000000,"p":""}`))),
	}
}

func (p *publisher) publish(ctx context.Context, i int, channel string) error {
	at := p.load.address(i)
	c, err := p.take(ctx, at)
	if err != nil {
		return err
	}
	c.body = fmt.Appendf(c.body[:0], `{"channel":%q,"data":{"t":%d,"p":%q}}`, channel, time.Now().UnixNano(), p.pad)
	c.out = fmt.Appendf(c.out[:0], "POST /api/publish HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n",
		at, p.load.APIKey, len(c.body))
	c.out = append(c.out, c.body...)
	if err := c.do(); err != nil {
		c.conn.Close()
		return fmt.Errorf("publish to %s: %w", channel, err)
	}
	p.mu.Lock()
	p.idle[at] = append(p.idle[at], c)
	p.mu.Unlock()
	return nil
}

func (p *publisher) take(ctx context.Context, at string) (*publishing, error) {
	p.mu.Lock()
	if n := len(p.idle[at]); n > 0 {
		c := p.idle[at][n-1]
		p.idle[at] = p.idle[at][:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	return &publishing{conn: conn, in: bufio.NewReaderSize(conn, 4<<10)}, nil
}

const publishTimeout = 30 * time.Second

// do sends the request and reads the answer.
func (c *publishing) do() error {
	if err := c.conn.SetDeadline(time.Now().Add(publishTimeout)); err != nil {
		return err
	}
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	size, ok := 0, false
	for line := 0; ; line++ {
		text, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		text = bytes.TrimSpace(text)
		switch {
		case line == 0:
			ok = bytes.HasPrefix(text, []byte("HTTP/1.1 200"))
		case len(text) > 15 && bytes.EqualFold(text[:15], []byte("Content-Length:")):
			if size, err = strconv.Atoi(string(bytes.TrimSpace(text[15:]))); err != nil || size > c.in.Size() {
				return fmt.Errorf("an answer of %s bytes", text[15:])
			}
		}
		if len(text) > 0 {
			continue
		}
		answer, err := c.in.Peek(size)
		if err != nil {
			return err
		}
		if !ok || bytes.Contains(answer, []byte(`"error"`)) {
			return fmt.Errorf("answered %s", answer)
		}
		_, err = c.in.Discard(size)
		return err
	}
}

func (p *publisher) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, all := range p.idle {
		for _, c := range all {
			c.conn.Close()
		}
	}
}

// maxUnderWay is how many publishes or commands wait for an answer at once.
const maxUnderWay = 256

// pace calls do at a steady rate for a duration, from at most so many
// goroutines at once, and waits for them. What cannot start because all are
// busy starts late, not never. It returns how many calls there were, how many
// failed, and the first error.
func pace(ctx context.Context, rate float64, duration time.Duration, beside int, do func(i int) error) (calls, failed int, first error) {
	var (
		group   sync.WaitGroup
		faults  atomic.Int64
		fault   atomic.Pointer[error]
		jobs    = make(chan int)
		started int
	)
	work := func() {
		for i := range jobs {
			if err := do(i); err != nil {
				faults.Add(1)
				fault.CompareAndSwap(nil, &err)
			}
		}
	}
	start := time.Now()
	total := int(rate * duration.Seconds())
	for i := range total {
		if wait := time.Until(start.Add(time.Duration(float64(i) / rate * float64(time.Second)))); wait > 0 {
			time.Sleep(wait)
		}
		if ctx.Err() != nil {
			break
		}
		calls++
		select {
		case jobs <- i:
			continue
		default:
		}
		if started < beside {
			started++
			group.Go(work)
		}
		jobs <- i
	}
	close(jobs)
	group.Wait()
	if e := fault.Load(); e != nil {
		first = *e
	}
	return calls, int(faults.Load()), first
}
