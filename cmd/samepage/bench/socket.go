package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// socket is one client: it reads until it is closed, answers pings, hands
// pushes to its owner and replies to whoever asked.
type socket struct {
	conn    net.Conn
	in      *bufio.Reader
	onPush  func(push []byte)  // called by the reader; push is valid during the call
	onReply func(reply []byte) // the same, for replies nobody waits for
	done    chan struct{}      // closed when the reader has ended

	mu      sync.Mutex // guards the following fields and writing
	waiting map[uint32]chan []byte
	out     []byte
	next    uint32
}

const dialTimeout = 60 * time.Second

// subscription is what a socket asks for when it connects.
type subscription struct {
	Channel string `json:"channel"`
	Recover bool   `json:"recover,omitempty"`
	Epoch   string `json:"epoch,omitempty"`
	Offset  uint64 `json:"offset,omitempty"`
}

type subscribed struct {
	Epoch        string            `json:"epoch"`
	Offset       uint64            `json:"offset"`
	Recovered    bool              `json:"recovered"`
	Publications []json.RawMessage `json:"publications"`
}

type reply struct {
	ID    uint32 `json:"id"`
	Error *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Subscribe *subscribed `json:"subscribe"`
	RPC       *struct {
		Data json.RawMessage `json:"data"`
	} `json:"rpc"`
}

// dial connects and subscribes, as one frame, and waits for both answers.
func dial(ctx context.Context, address, token string, sub *subscription, onPush func([]byte)) (*socket, subscribed, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, in, err := upgrade(ctx, address)
	if err != nil {
		return nil, subscribed{}, err
	}
	s := &socket{conn: conn, in: in, onPush: onPush, done: make(chan struct{}), waiting: map[uint32]chan []byte{}}
	frame := fmt.Appendf(nil, `{"id":1,"connect":{"token":%q}}`, token)
	connected, answered := s.await(1), make(chan []byte)
	if sub != nil {
		line, err := json.Marshal(sub)
		if err != nil {
			conn.Close()
			return nil, subscribed{}, err
		}
		frame = fmt.Appendf(frame, "\n"+`{"id":2,"subscribe":%s}`, line)
		answered = s.await(2)
	}
	s.next = 2
	go s.read()
	if err := s.write(opText, frame); err != nil {
		s.close()
		return nil, subscribed{}, fmt.Errorf("bench: connect: %w", err)
	}
	if _, err := s.reply(ctx, connected); err != nil {
		s.close()
		return nil, subscribed{}, fmt.Errorf("bench: connect: %w", err)
	}
	if sub == nil {
		return s, subscribed{}, nil
	}
	r, err := s.reply(ctx, answered)
	if err == nil && r.Subscribe == nil {
		err = errors.New("no answer to it")
	}
	if err != nil {
		s.close()
		return nil, subscribed{}, fmt.Errorf("bench: subscribe to %s: %w", sub.Channel, err)
	}
	return s, *r.Subscribe, nil
}

// write sends a frame.
func (s *socket) write(op byte, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = appendFrame(s.out[:0], op, payload)
	_, err := s.conn.Write(s.out)
	return err
}

func (s *socket) await(id uint32) chan []byte {
	c := make(chan []byte, 1)
	s.mu.Lock()
	s.waiting[id] = c
	s.mu.Unlock()
	return c
}

func (s *socket) reply(ctx context.Context, c chan []byte) (reply, error) {
	var r reply
	select {
	case b := <-c:
		if err := json.Unmarshal(b, &r); err != nil {
			return r, err
		}
		if r.Error != nil {
			return r, fmt.Errorf("error %d: %s", r.Error.Code, r.Error.Message)
		}
		return r, nil
	case <-s.done:
		return r, errClosed
	case <-ctx.Done():
		return r, ctx.Err()
	}
}

// rpc sends a command and gives its answer's data. data is JSON.
func (s *socket) rpc(ctx context.Context, method string, data []byte) (json.RawMessage, error) {
	id := s.number()
	c := s.await(id)
	if err := s.write(opText, appendRPC(nil, id, method, data)); err != nil {
		return nil, err
	}
	r, err := s.reply(ctx, c)
	if err == nil && r.RPC == nil {
		err = errors.New("no answer to it")
	}
	if err != nil {
		return nil, fmt.Errorf("rpc %s: %w", method, err)
	}
	return r.RPC.Data, nil
}

// call sends a command whose answer onReply gets.
func (s *socket) call(method string, data []byte) error {
	return s.write(opText, appendRPC(make([]byte, 0, 256), s.number(), method, data))
}

func (s *socket) number() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return s.next
}

func appendRPC(b []byte, id uint32, method string, data []byte) []byte {
	b = strconv.AppendUint(append(b, `{"id":`...), uint64(id), 10)
	b = strconv.AppendQuote(append(b, `,"rpc":{"method":`...), method)
	return append(append(append(b, `,"data":`...), data...), "}}"...)
}

func (s *socket) read() {
	defer close(s.done)
	var buffer []byte
	for {
		op, frame, err := readFrame(s.in, buffer)
		if err != nil {
			return
		}
		if cap(frame) > cap(buffer) && cap(frame) > s.in.Size() {
			buffer = frame
		}
		switch op {
		case opClose:
			return
		case opPing:
			if s.write(opPong, frame) != nil {
				return
			}
			continue
		case opPong:
			continue
		}
		for line := range bytes.SplitSeq(frame, []byte{'\n'}) {
			switch {
			case len(line) == 0:
			case len(line) == 2: // {} asks whether we are there
				if s.write(opText, line) != nil {
					return
				}
			case bytes.HasPrefix(line, []byte(`{"push"`)):
				if s.onPush != nil {
					s.onPush(line)
				}
			default:
				s.answer(line)
			}
		}
	}
}

func (s *socket) answer(line []byte) {
	digits, ok := bytes.CutPrefix(line, []byte(`{"id":`))
	if !ok {
		return
	}
	var id uint32
	for _, d := range digits {
		if d < '0' || d > '9' {
			break
		}
		id = id*10 + uint32(d-'0')
	}
	s.mu.Lock()
	c := s.waiting[id]
	delete(s.waiting, id)
	s.mu.Unlock()
	switch {
	case c != nil:
		c <- bytes.Clone(line)
	case s.onReply != nil:
		s.onReply(line)
	}
}

func (s *socket) close() {
	s.conn.Close()
	<-s.done
}
