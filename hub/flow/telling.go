package flow

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// telling is a command to one context. Its id is made of what it is for, so
// that it has one effect however many nodes send it, and how often.
type telling struct {
	id   string
	name hub.Channel
	skus []string
}

// tell sends commands until each has its answer.
func (f *Prices) tell(ctx context.Context, all []telling) error {
	queue := make(chan telling, len(all))
	for _, t := range all {
		queue <- t
	}
	close(queue)
	var working sync.WaitGroup
	for range min(f.opts.Workers, len(all)) {
		working.Go(func() {
			for t := range queue {
				f.send(ctx, t)
			}
		})
	}
	working.Wait()
	return ctx.Err()
}

func (f *Prices) send(ctx context.Context, t telling) {
	slices.Sort(t.skus)
	args, err := json.Marshal(commerce.CartReprice{Skus: slices.Compact(t.skus)})
	if err != nil {
		panic("flow: arguments of our own cannot be encoded: " + err.Error())
	}
	cmd := hub.Command{
		Method: "cart.reprice", ID: t.id, On: t.name, Args: args,
		Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleSystem}},
	}
	for wait := 20 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 2*time.Second) {
		answer := f.do(ctx, cmd)
		if answer.Problem == nil {
			return
		}
		if final(answer.Problem) {
			f.log.Info("a cart keeps its prices", "on", t.name, "code", answer.Problem.Code)
			return
		}
		f.log.Warn("prices are held up", "on", t.name, "code", answer.Problem.Code)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}
