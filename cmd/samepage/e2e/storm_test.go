package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const stormConfig = `{"store":{"log_size":1000000,"partitions":16},"client":{"recovery_max_publication_limit":100000}}`

// storm is load on a hub of several nodes while something goes wrong: writers
// at every node, a device for every channel at every node.
type storm struct {
	t      *testing.T
	lossy  bool // what was acknowledged may be lost
	names  []string
	client *http.Client

	urls    atomic.Pointer[[]string] // of the nodes
	mu      sync.Mutex               // guards the following field
	acked   map[string]time.Time     // command id -> when it was accepted
	stale   atomic.Int64             // longest time from an answer to a device that has not seen it yet, ns
	faults  int
	devices []*device
	stop    context.CancelFunc
	work    sync.WaitGroup
}

func newStorm(t *testing.T, channels int, nodes ...*program) *storm {
	t.Helper()
	s := &storm{t: t, acked: map[string]time.Time{}, client: &http.Client{Timeout: 8 * time.Second}}
	s.at(nodes...)
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	t.Cleanup(func() { cancel(); s.work.Wait() })
	for n := range channels {
		s.names = append(s.names, fmt.Sprintf("context:c-%d", n))
		for i := range nodes {
			d := &device{
				t: t, channel: s.names[n], token: customer(s.names[n]),
				nodes: func() []string { return s.from(i) }, saw: s.seen,
			}
			s.devices = append(s.devices, d)
			s.work.Go(func() { d.run(ctx) })
		}
	}
	nodes[0].command("catalog.set", "catalog:default", "catalogue", `{"items":{"latte":{"name":"Latte","price":{"amount":450,"currency":"USD"}}}}`)
	return s
}

// at says where the nodes are now.
func (s *storm) at(nodes ...*program) {
	urls := make([]string, len(nodes))
	for i, n := range nodes {
		urls[i] = n.url
	}
	s.urls.Store(&urls)
}

// from are the nodes, the i-th first.
func (s *storm) from(i int) []string {
	urls := *s.urls.Load()
	i %= len(urls)
	return append(slices.Clone(urls[i:]), urls[:i]...)
}

// seen measures how late an event came.
func (s *storm) seen(cause string) {
	s.mu.Lock()
	at, ok := s.acked[cause]
	s.mu.Unlock()
	if !ok {
		return
	}
	late := int64(time.Since(at))
	for was := s.stale.Load(); late > was && !s.stale.CompareAndSwap(was, late); was = s.stale.Load() {
	}
}

// soak is how long each storm blows in the long form; 0: once.
func soak(t *testing.T) time.Duration {
	text := os.Getenv("SAMEPAGE_SOAK")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SAMEPAGE_SOAK: %v", err)
	}
	return d
}

// blow runs load while the fault happens, once or for as long as the soak
// takes, and checks what is left.
func (s *storm) blow(what string, fault func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var writing sync.WaitGroup
	s.t.Cleanup(func() { cancel(); writing.Wait() }) // also if the fault fails the test
	for n := range *s.urls.Load() {
		for w := range 2 {
			writing.Go(func() { s.write(ctx, fmt.Sprintf("%d-%d", n, w), n) })
		}
	}
	began := time.Now()
	for first := true; first || time.Since(began) < soak(s.t); first = false {
		time.Sleep(300 * time.Millisecond)
		fault()
		s.faults++
		time.Sleep(700 * time.Millisecond)
	}
	cancel()
	writing.Wait()
	s.settle(what)
}

// write sends random commands from one node until ctx ends.
func (s *storm) write(ctx context.Context, name string, node int) {
	opened := 0
	for i := 0; ctx.Err() == nil; i++ {
		on := s.names[rand.IntN(len(s.names))]
		id := fmt.Sprintf("%s-%d", name, i)
		who, method, args := "", "loyalty.adjust", fmt.Sprintf(`{"points":%d,"reason":"storm"}`, 1+rand.IntN(9))
		switch n := rand.IntN(20); {
		case n < 4:
			who, method, args = customer(on), "cart.add_line", fmt.Sprintf(`{"cart":"ca-%s","line":"l%d","sku":"latte","quantity":1}`, name, rand.IntN(5))
		case n < 6 && opened < 20:
			opened++
			who, method, args = customer(on), "conversation.open", fmt.Sprintf(`{"conversation":"v-%s-%d","channel":"web","queue":"support"}`, name, i)
		}
		s.send(node, who, method, on, id, args)
		time.Sleep(4 * time.Millisecond)
	}
}

// send sends one command, by the next node where one does not answer, until
// it is known what became of it.
func (s *storm) send(node int, who, method, on, id, args string) (answer, bool) {
	body := fmt.Sprintf(`{"id":%q,"on":%q,"args":%s}`, id, on, args)
	for try, deadline := 0, time.Now().Add(60*time.Second); ; try++ {
		urls := s.from(node)
		a, err := s.ask(urls[try%len(urls)]+"/v1/commands/"+method, who, body)
		switch {
		case err == nil && a.status == 200:
			if a.field("event") != nil {
				s.mu.Lock()
				s.acked[id] = time.Now()
				s.mu.Unlock()
			}
			return a, true
		case err == nil && a.status != 503:
			if a.status != 422 && a.status != 409 {
				s.t.Errorf("%s on %s: %d %s", method, on, a.status, a.body)
			}
			return a, false
		case time.Now().After(deadline):
			s.t.Errorf("%s on %s could not be settled: %d %s %v", method, on, a.status, a.body, err)
			return a, false
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// ask is one request; who is a token, "" for the backend.
func (s *storm) ask(url, who, body string) (answer, error) {
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	if who == "" {
		r.Header.Set("X-API-Key", apiKey)
	} else {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, b}, err
}

// customer is the token of whose context it is.
func customer(context string) string {
	return token(fmt.Sprintf(`{"sub":%q,"role":"customer"}`, strings.TrimPrefix(context, "context:")))
}

// get reads from a node until it answers.
func (s *storm) get(path, who string) answer {
	s.t.Helper()
	var a answer
	eventually(s.t, "an answer to "+path, func() bool {
		var err error
		a, err = s.ask(s.from(0)[0]+path, who, "")
		return err == nil && a.status == 200
	})
	return a
}

// settle waits until every device holds what the store holds, and counts what
// became of the commands.
func (s *storm) settle(what string) {
	s.t.Helper()
	times := map[string]int{} // of each command in the logs
	events := 0
	waiting := map[string]string{} // conversation -> its context
	for _, name := range s.names {
		docs := s.documents(name, customer(name))
		for _, d := range s.devices {
			if d.channel == name {
				s.await(d, docs)
			}
		}
		counted := 0
		for _, e := range s.log(name) {
			times[e.Cause]++
			if e.Type == "loyalty.adjusted" {
				counted++
			}
			events++
		}
		all := s.documents(name, "")
		for key, doc := range all {
			if id, ok := strings.CutPrefix(key, "conversation/"); ok && field([]byte(doc), "status") == "queued" {
				waiting[id] = strings.TrimPrefix(name, "context:")
			}
		}
		if earned, _ := field([]byte(all["loyalty"]), "balance").(int); counted > 0 && earned < counted {
			s.t.Errorf("%s: %d points after %d adjustments", name, earned, counted)
		}
	}
	lost, twice := 0, 0
	s.mu.Lock()
	for id := range s.acked {
		if times[id] == 0 {
			lost++
		}
	}
	acked := len(s.acked)
	s.mu.Unlock()
	for id, n := range times {
		if n > 1 {
			twice++
			s.t.Errorf("command %s had %d effects", id, n)
		}
	}
	if lost > 0 && !s.lossy {
		s.t.Errorf("%d acknowledged commands are lost", lost)
	}
	if acked < 50 {
		s.t.Errorf("only %d commands were accepted: that shows nothing", acked)
	}
	s.views(waiting)
	recovered, resynced := 0, 0
	for _, d := range s.devices {
		d.mu.Lock()
		recovered, resynced = recovered+d.recovered, resynced+d.resynced
		d.mu.Unlock()
	}
	s.t.Logf("%s: %d commands accepted, %d events, %d faults, lost %d, duplicated %d, longest staleness %s; %d recoveries, %d snapshots anew, %d conversations in the queue",
		what, acked, events, s.faults, lost, twice, time.Duration(s.stale.Load()).Round(10*time.Millisecond), recovered, resynced, len(waiting))
}

// views waits until the queue holds the conversations that wait, and no other.
func (s *storm) views(waiting map[string]string) {
	s.t.Helper()
	var diff string
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		queue := map[string]string{}
		for key, doc := range s.documents("queue:support", "") {
			queue[strings.TrimPrefix(key, "conversation/")] = fmt.Sprint(field([]byte(doc), "context"))
		}
		if diff = cmp.Diff(waiting, queue); diff == "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Errorf("the queue is not what waits:\n%s", diff)
			return
		}
	}
}

// await waits until a device holds these documents.
func (s *storm) await(d *device, want map[string]string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		epoch, got := d.holds()
		if maps.Equal(want, got) {
			return
		}
		if time.Now().After(deadline) {
			diff := cmp.Diff(want, got)
			s.t.Errorf("%s: a device at %s:%d differs from the store (%s):\n%.1000s", d.channel, epoch, d.offset, d.doing(), diff)
			return
		}
	}
}

// documents are a channel's entries as somebody sees them over HTTP; "" is the backend.
func (s *storm) documents(channel, auth string) map[string]string {
	s.t.Helper()
	var body struct {
		Entries map[string]struct{ Doc any }
	}
	if err := json.Unmarshal(s.get("/v1/channels/"+channel, auth).body, &body); err != nil {
		s.t.Fatal(err)
	}
	docs := map[string]string{}
	for key, e := range body.Entries {
		b, err := json.Marshal(e.Doc)
		if err != nil {
			s.t.Fatal(err)
		}
		docs[key] = string(b)
	}
	return docs
}

// logged is an event in a channel's log.
type logged struct {
	Offset int    `json:"offset"`
	Type   string `json:"type"`
	Cause  string `json:"cause"`
}

// log reads a channel's whole log, which must have no gap.
func (s *storm) log(name string) []logged {
	s.t.Helper()
	var all []logged
	for after := ""; ; {
		var page struct {
			Events []logged `json:"events"`
			Next   string   `json:"next"`
		}
		a := s.get("/v1/channels/"+name+"/events?limit=1000"+after, "")
		if err := json.Unmarshal(a.body, &page); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, page.Events...)
		if page.Next == "" {
			break
		}
		after = "&after=" + page.Next
	}
	for i := 1; i < len(all); i++ {
		if all[i].Offset != all[i-1].Offset+1 {
			s.t.Errorf("%s: offset %d follows %d", name, all[i].Offset, all[i-1].Offset)
		}
	}
	return all
}
