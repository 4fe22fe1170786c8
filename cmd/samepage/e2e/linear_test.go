package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/samepage/samepage/hub/redis/redistest"
)

// account is a context's points as one register: what is given is added, and
// whoever looks sees the balance and the offset it stands at.
type account struct{ balance, offset int }

type accountCall struct {
	give int // 0: look
}

var accountModel = porcupine.Model{
	Init: func() any { return account{} },
	Step: func(state, input, output any) (bool, any) {
		next := state.(account)
		if give := input.(accountCall).give; give > 0 {
			next = account{next.balance + give, next.offset + 1}
		}
		return next == output.(account), next
	},
}

// Commands and reads of one context at three nodes, one of which is killed
// meanwhile, are as if they had been done one after the other.
func TestOneContextIsLinearizableAtThreeNodes(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	nodes := []*program{node(t, url, ""), node(t, url, ""), node(t, url, "")}
	s := newStorm(t, 0, nodes...)
	const workers, each = 9, 25
	var mu sync.Mutex
	var history []porcupine.Operation
	began := time.Now()
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for i := range each {
				in := accountCall{}
				if w%3 != 2 {
					in.give = 1 + rand.IntN(100)
				}
				called := time.Since(began).Nanoseconds()
				var a answer
				if in.give > 0 {
					var ok bool
					a, ok = s.send(w, "", "loyalty.adjust", maya, fmt.Sprintf("x%d-%d", w, i), fmt.Sprintf(`{"points":%d,"reason":"x"}`, in.give))
					if !ok {
						return
					}
				} else {
					a = s.look(w, "/v1/channels/"+maya)
				}
				out := account{balance: balanceOf(a)}
				out.offset, _ = a.field("offset").(int)
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: w, Input: in, Call: called, Output: out, Return: time.Since(began).Nanoseconds()})
				mu.Unlock()
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	nodes[1].kill()
	work.Wait()
	if result := porcupine.CheckOperationsTimeout(accountModel, history, time.Minute); result != porcupine.Ok {
		t.Errorf("%d operations: %s", len(history), result)
	}
	now := time.Since(began).Nanoseconds()
	stale := append(slices.Clone(history), porcupine.Operation{ClientId: workers, Input: accountCall{}, Call: now, Output: account{}, Return: now + 1})
	if result := porcupine.CheckOperationsTimeout(accountModel, stale, time.Minute); result != porcupine.Illegal {
		t.Errorf("with a stale read in the end: %s", result)
	}
	t.Logf("%d operations at three nodes, one of them killed: linearizable", len(history))
}

// look reads at a node, or the next one that answers.
func (s *storm) look(node int, path string) answer {
	for try, deadline := 0, time.Now().Add(patience); time.Now().Before(deadline); try++ {
		urls := s.from(node)
		if a, err := s.ask(urls[try%len(urls)]+path, "", ""); err == nil && a.status == 200 {
			return a
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Errorf("nobody answers %s", path)
	return answer{}
}

// balanceOf is the balance in what a command or a read answers.
func balanceOf(a answer) int {
	var body struct {
		Entries map[string]struct {
			Doc struct{ Balance int }
		}
		Event *struct {
			Changes []struct {
				Key        string
				Doc, Patch *struct{ Balance int }
			}
		}
	}
	if json.Unmarshal(a.body, &body) != nil {
		return -1
	}
	if body.Event == nil {
		return body.Entries["loyalty"].Doc.Balance
	}
	for _, c := range body.Event.Changes {
		switch {
		case c.Key != "loyalty":
		case c.Doc != nil:
			return c.Doc.Balance
		case c.Patch != nil:
			return c.Patch.Balance
		}
	}
	return -1
}
