package enginetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/samepage/samepage/hub"
)

func (s suite) ConcurrentCommittersLoseNothingAndAgreeOnTheOrder(t *testing.T) {
	e := s.Open(t)
	const committers, each = 8, 20
	names := []hub.Channel{"context:c-1", "context:c-2"}
	ear := listen(t, e, names...)
	var conflicts atomic.Int64
	var work sync.WaitGroup
	for w := range committers {
		work.Go(func() {
			for i := range each {
				name := names[(w+i)%len(names)]
				for {
					snapshot, err := e.Load(t.Context(), name)
					if err != nil {
						t.Error(err)
						return
					}
					was := snapshot.Entries["count"]
					n := 0
					_ = json.Unmarshal(was.Doc, &n)
					c := command(event(name, "count", fmt.Sprint(n+1)), fmt.Sprintf("%d-%d", w, i), 1)
					c.Expect = map[string]uint64{"count": was.Version}
					_, err = e.Commit(t.Context(), c)
					if errors.Is(err, hub.ErrConflict) {
						conflicts.Add(1)
						continue
					}
					if err != nil {
						t.Error(err)
					}
					break
				}
			}
		})
	}
	work.Wait()
	t.Logf("%d conflicts", conflicts.Load())
	for _, name := range names {
		const total = committers * each / 2
		snapshot := load(t, e, name)
		want(t, "count of "+string(name), string(snapshot.Entries["count"].Doc), fmt.Sprint(total))
		want(t, "offset of "+string(name), snapshot.Position.Offset, total)
		heard := ear.waitFor(t, name, total)
		want(t, "heard of "+string(name), offsets(heard), to(1, total))
		for i, m := range heard {
			want(t, "count that was heard", string(m.Event.Changes[0].Doc), fmt.Sprint(i+1))
		}
	}
	seqs := allCursors(e)
	for _, r := range collect(t, e, allCursors(e), committers*each) {
		want(t, "seq", r.Seq, seqs[r.Partition]+1)
		seqs[r.Partition] = r.Seq
	}
}

func (s suite) CommandSentManyTimesAtOnceHasOneEffect(t *testing.T) {
	e := s.Open(t)
	for round := range 5 {
		id := fmt.Sprint("id-", round)
		var fresh atomic.Int64
		var work sync.WaitGroup
		for range 8 {
			work.Go(func() {
				r, err := e.Commit(t.Context(), command(event(context42, "k", `{}`), id, 1))
				if err != nil {
					t.Error(err)
					return
				}
				if !r.Replayed {
					fresh.Add(1)
				}
				if r.Position.Offset != uint64(round+1) {
					t.Errorf("position %v in round %d", r.Position, round)
				}
			})
		}
		work.Wait()
		want(t, "effects", fresh.Load(), 1)
		want(t, "offset", headOf(t, e, context42).Offset, uint64(round+1))
	}
}

func (s suite) OfConcurrentCommitsOnOneVersionOneWins(t *testing.T) {
	e := s.Open(t)
	for round := range uint64(5) {
		var won, lost atomic.Int64
		var work sync.WaitGroup
		for range 8 {
			work.Go(func() {
				c := event(context42, "owner", `{}`)
				c.Expect = map[string]uint64{"owner": round}
				switch _, err := e.Commit(t.Context(), c); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, hub.ErrConflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		work.Wait()
		want(t, "winners and losers", fmt.Sprint(won.Load(), lost.Load()), "1 7")
	}
}
