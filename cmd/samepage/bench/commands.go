package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// touchpoints is how many sockets follow each context.
const touchpoints = 3

// runCommands adds to carts over the socket; three touchpoints of each context
// see every change.
func runCommands(ctx context.Context, l Load) (Result, error) {
	contexts := max(1, l.Sockets/touchpoints)
	took := &latencies{}
	run := time.Now().UnixNano()
	on := func(i int) string { return fmt.Sprintf("context:bench-%d-%d", run, i%contexts) }
	l.say("opening %d sockets on %d contexts", contexts*touchpoints, contexts)
	sockets, err := crowd(ctx, contexts*touchpoints, func(ctx context.Context, i int) (*socket, error) {
		token, err := l.token(map[string]any{"sub": fmt.Sprintf("bench-%d-%d", run, i%contexts), "role": "customer"})
		if err != nil {
			return nil, err
		}
		s, _, err := dial(ctx, l.spread(i, contexts), token, &subscription{Channel: on(i)}, func(push []byte) {
			if at, ok := stamp(push, `"cause":"t`); ok {
				took.add(i, time.Since(at))
			}
		})
		return s, err
	})
	if err != nil {
		return Result{}, err
	}
	defer closeAll(sockets)
	if err := l.setPrice(ctx, run); err != nil {
		return Result{}, err
	}
	time.Sleep(settle)
	before, err := l.usage()
	if err != nil {
		return Result{}, err
	}
	l.say("%g commands a second for %s", l.Rate, l.Duration)
	// Answers are counted as they come: nobody waits for one, so a command costs the generator
	// two writes of memory and one to the socket.
	var refused atomic.Int64
	var refusal sync.Once
	var answer []byte
	underWay := make(chan struct{}, maxUnderWay)
	for _, s := range sockets[:contexts] {
		s.onReply = func(reply []byte) {
			if bytes.Contains(reply, []byte(`"problem":`)) || bytes.Contains(reply, []byte(`"error":`)) {
				refused.Add(1)
				refusal.Do(func() { answer = bytes.Clone(reply) })
			}
			<-underWay
		}
	}
	start := time.Now()
	data := make([]byte, 0, 256)
	calls, failed, fault := pace(ctx, l.Rate, l.Duration, 1, func(i int) error {
		select {
		case underWay <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		data = fmt.Appendf(data[:0], `{"id":"t%d-%d","on":"context:bench-%d-%d","args":{"sku":"bench","quantity":1}}`,
			time.Now().UnixNano(), i, run, i%contexts)
		return sockets[i%contexts].call("cart.add_line", data)
	})
	for range cap(underWay) { // all answers are here
		select {
		case underWay <- struct{}{}:
		case <-time.After(patience):
		}
	}
	failed += int(refused.Load())
	if answer != nil {
		fault = fmt.Errorf("refused: %s", answer)
	}
	seconds := time.Since(start).Seconds()
	expected := (calls - failed) * touchpoints
	got := took.await(ctx, expected, patience)
	after, err := l.usage()
	if err != nil {
		return Result{}, err
	}
	if failed == calls && fault != nil {
		return Result{}, fault
	}
	r := Result{Unit: "command", Units: calls, Seconds: seconds, Expected: expected, Got: got, Failed: failed}
	r.charge(before, after)
	took.fill(&r)
	return r, nil
}

// setPrice puts the sku that is bought into the catalogue.
func (l Load) setPrice(ctx context.Context, run int64) error {
	token, err := l.token(map[string]any{"sub": "bench", "role": "service"})
	if err != nil {
		return err
	}
	s, _, err := dial(ctx, l.Addresses[0], token, nil, nil)
	if err != nil {
		return err
	}
	defer s.close()
	return accepted(s.rpc(ctx, "catalog.set", fmt.Appendf(nil,
		`{"id":"price-%d","on":"catalog:default","args":{"items":{"bench":{"name":"Bench","price":{"amount":1,"currency":"USD"}}}}}`, run)))
}

// accepted turns a refusal into an error.
func accepted(answer json.RawMessage, err error) error {
	if err != nil {
		return err
	}
	var a struct {
		Problem *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"problem"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return err
	}
	if a.Problem != nil {
		return fmt.Errorf("refused: %s: %s", a.Problem.Code, a.Problem.Message)
	}
	return nil
}
