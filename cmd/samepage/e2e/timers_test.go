package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/samepage/samepage/hub/redis/redistest"
)

// Carts are left behind one after the other while one node stands still and
// another dies: each is told of once, whoever had claimed its timer.
func TestTimersFireOnceWhileNodesStandStillAndDie(t *testing.T) {
	t.Parallel()
	const carts, window = 60, 4 * time.Second
	url := redistest.Start(t).URL()
	config := fmt.Sprintf(`{"store":{"partitions":16},"commerce":{"abandon":%q}}`, window)
	a, b, c := node(t, url, config), node(t, url, config), node(t, url, config)
	s := newStorm(t, 0, c)
	var names []string
	for i := range carts {
		name := fmt.Sprintf("context:left-%d", i)
		names = append(names, name)
		s.send(0, customer(name), "profile.set_consent", name, "consent", `{"type":"marketing","status":"grant"}`)
		s.send(0, customer(name), "cart.add_line", name, "line", `{"cart":"ca1","line":"l1","sku":"latte","quantity":1}`)
		time.Sleep(50 * time.Millisecond)
	}
	a.pause()
	time.Sleep(time.Second)
	b.kill()
	time.Sleep(6 * time.Second)
	a.resume()
	var late []time.Duration
	for _, name := range names {
		eventually(t, name+" is told of", func() bool { return len(s.abandoned(name)) > 0 })
	}
	time.Sleep(2 * time.Second) // what fires twice does so by now
	for _, name := range names {
		told := s.abandoned(name)
		if len(told) != 1 {
			t.Errorf("%s was told of %d times", name, len(told))
		}
		late = append(late, told[0]-window)
	}
	t.Logf("%d timers while one node stood still and one was killed: each fired once, the latest %s after its time", carts, slices.Max(late).Round(10*time.Millisecond))
}

// abandoned is how long a cart had lain, each time that was told.
func (s *storm) abandoned(name string) (lain []time.Duration) {
	s.t.Helper()
	var page struct {
		Events []struct {
			Type string    `json:"type"`
			At   time.Time `json:"at"`
			Data struct {
				TouchedAt time.Time `json:"touched_at"`
			} `json:"data"`
		} `json:"events"`
	}
	if err := json.Unmarshal(s.get("/v1/channels/"+name+"/events?limit=1000", "").body, &page); err != nil {
		s.t.Fatal(err)
	}
	for _, e := range page.Events {
		if e.Type == "cart.abandoned" {
			lain = append(lain, e.At.Sub(e.Data.TouchedAt))
		}
	}
	return lain
}
