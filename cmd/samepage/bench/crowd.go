package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// dialers is how many sockets are opened at a time.
const dialers = 64

// crowd opens n sockets, dialers at a time, and closes them all if one fails.
func crowd(ctx context.Context, n int, open func(ctx context.Context, i int) (*socket, error)) ([]*socket, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sockets := make([]*socket, n)
	next := make(chan int)
	var group sync.WaitGroup
	for range min(dialers, n) {
		group.Go(func() {
			for i := range next {
				s, err := open(ctx, i)
				if err != nil {
					cancel(err)
					return
				}
				sockets[i] = s
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		closeAll(sockets)
		return nil, err
	}
	return sockets, nil
}

func closeAll(sockets []*socket) {
	var group sync.WaitGroup
	next := make(chan *socket)
	for range dialers {
		group.Go(func() {
			for s := range next {
				s.close()
			}
		})
	}
	for _, s := range sockets {
		if s != nil {
			next <- s
		}
	}
	close(next)
	group.Wait()
}

// token signs claims with HS256 (RFC 7515, 7519).
func (l Load) token(claims map[string]any) (string, error) {
	claims["exp"] = time.Now().Add(time.Hour).Unix()
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc.EncodeToString(body)
	mac := hmac.New(sha256.New, []byte(l.Secret))
	mac.Write([]byte(signed))
	return signed + "." + enc.EncodeToString(mac.Sum(nil)), nil
}

// guest is the token of the i-th socket on plain channels.
func (l Load) guest(i int) (string, error) {
	return l.token(map[string]any{"sub": fmt.Sprintf("u%d", i)})
}

func (l Load) address(i int) string { return l.Addresses[i%len(l.Addresses)] }

// spread is the node of the i-th socket where sockets follow so many channels
// in turn: those of one channel are at different nodes.
func (l Load) spread(i, channels int) string { return l.address(i%channels + i/channels) }
