package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub/redis/redistest"
)

// node starts a node of a hub that is kept in Redis, with more of the configuration as JSON.
func node(t *testing.T, url, config string, args ...string) *program {
	t.Helper()
	if config == "" {
		config = "{}"
	}
	file := filepath.Join(t.TempDir(), "samepage.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, append([]string{"serve", "--config", file, "--engine", "redis", "--redis", url, "--port", "0"}, args...)...)
	p.listening()
	return p
}

func TestOneContextAtThreeTouchpointsOnTwoNodes(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	p, q := node(t, server.URL(), shopConfig), node(t, server.URL(), shopConfig)
	tellStory(t, p, q, func() *program { return node(t, server.URL(), shopConfig) })
	q.stop()
}

const lobby = `{"channel":{"without_namespace":{"presence":true,"join_leave":true,"force_push_join_leave":true,
	"allow_subscribe_for_client":true,"allow_presence_for_subscriber":true}}}`

// A node that dies is noticed: who was there leaves, once, and those who look
// on elsewhere are told.
func TestMembersOfADeadNodeLeaveOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b, c := node(t, server.URL(), lobby), node(t, server.URL(), lobby), node(t, server.URL(), lobby)
	onB, onC := b.connect(t, annaToken), c.connect(t, benToken)
	onB.subscribe("lobby")
	onC.subscribe("lobby")
	for range 3 {
		a.connect(t, mayaToken).subscribe("lobby")
	}
	eventually(t, "all are seen", func() bool { return onB.members("lobby") == 5 && onC.members("lobby") == 5 })
	a.kill()
	died := time.Now()
	eventually(t, "the dead node's members are gone", func() bool { return onC.members("lobby") == 2 })
	t.Logf("members of a dead node were gone after %s", time.Since(died).Round(100*time.Millisecond))
	for name, s := range map[string]*socket{"b": onB, "c": onC} {
		eventually(t, name+" is told", func() bool { return s.leaves("lobby") >= 3 })
	}
	time.Sleep(3 * time.Second) // whoever else looks for the dead does so every two
	for name, s := range map[string]*socket{"b": onB, "c": onC} {
		if got := s.leaves("lobby"); got != 3 {
			t.Errorf("on node %s %d members left, want 3", name, got)
		}
	}
}

// members counts who is in a plain channel.
func (s *socket) members(channel string) int {
	s.t.Helper()
	var r struct{ Presence map[string]any }
	s.ask("presence", fmt.Sprintf(`{"channel":%q}`, channel), &r)
	return len(r.Presence)
}

// leaves counts those who were said to have left.
func (s *socket) leaves(channel string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.pushes {
		if p.Channel == channel && p.Leave != nil {
			n++
		}
	}
	return n
}

// A node says that it is not ready while its subscription delivers nothing,
// and while Redis stands still. Its sockets stay.
func TestReadinessIsThatMessagesComeBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server)
	p := node(t, proxy.URL(), lobby)
	here := p.connect(t, annaToken)
	here.subscribe("lobby")
	ready := func(want int) func() bool {
		return func() bool {
			a := p.call("GET", "/readyz", "-", "")
			return a.status == want && a.field("ready") == (want == 200) && (a.field("reason") != nil) == (want != 200)
		}
	}
	eventually(t, "it is ready", ready(200))
	proxy.Deaf.Store(true)
	eventually(t, "it tells that it is deaf", ready(503))
	proxy.Deaf.Store(false)
	eventually(t, "it is ready again", ready(200))
	server.Pause()
	eventually(t, "it tells that Redis does not answer", ready(503))
	server.Resume()
	eventually(t, "it is ready once more", ready(200))
	eventually(t, "the socket is where it was", func() bool { return here.members("lobby") == 1 })
}

// What a store in Redis refuses is told before anything runs.
func TestAStoreInRedisThatCannotBeTrustedIsRefused(t *testing.T) {
	t.Parallel()
	evicts := redistest.Start(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	refused(t, 1, "noeviction", "serve", "--engine", "redis", "--redis", evicts.URL(), "--port", "0")
	server := redistest.Start(t)
	node(t, server.URL(), `{"store":{"partitions":64}}`).stop()
	refused(t, 1, "64 partitions", "serve", "--engine", "redis", "--redis", server.URL(), "--port", "0", "-s", "store.partitions=32")
	refused(t, 1, "redis.address", "serve", "--engine", "redis", "--port", "0")
	refused(t, 1, "begin with redis://", "serve", "--engine", "redis", "--redis", "localhost:6379", "--port", "0")
	refused(t, 1, "redis:", "serve", "--engine", "redis", "--redis", "redis://:hunter2@127.0.0.1:1", "--port", "0")
}

// A server that encrypts and wants a password, checked with a certificate from a file.
func TestAStoreIsReachedByTLS(t *testing.T) {
	t.Parallel()
	_, url, cert := redistest.StartTLS(t, "--requirepass", "hunter2")
	p := node(t, url, fmt.Sprintf(`{"redis":{"ca_file":%q}}`, cert))
	p.command("loyalty.adjust", maya, "x", `{"points":1,"reason":"a"}`)
	if strings.Contains(p.stderr.String()+p.stdout.String(), "hunter2") {
		t.Error("the password is told")
	}
	p.stop()
	refused(t, 1, "certificate", "serve", "--engine", "redis", "--redis", url, "--port", "0")
	refused(t, 1, "redis.ca_file", "serve", "--engine", "redis", "--redis", url, "--port", "0", "-s", "redis.ca_file="+filepath.Join(t.TempDir(), "none"))
}

// Of a record that is not readable views see what the contexts hold; of a
// context that is not, they go on without it.
func TestACorruptRecordOrContextHoldsUpNoView(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	p := node(t, server.URL(), `{"store":{"partitions":1}}`)
	open := func(context, conversation string) {
		body := fmt.Sprintf(`{"id":%q,"on":%q,"args":{"conversation":%q,"channel":"web","queue":"support"}}`, conversation, context, conversation)
		if a := p.call("POST", "/v1/commands/conversation.open", customer(context), body); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	queued := func(n int) func() bool {
		return func() bool {
			waiting, _ := p.call("GET", "/v1/channels/queue:support", "", "").field("entries").(map[string]any)
			return len(waiting) == n
		}
	}
	open("context:c-1", "v1")
	eventually(t, "the first conversation waits", queued(1))
	server.Do("EVAL", `
		local seq = redis.call('HINCRBY', 'samepage:{0}:partition', 'seq', 1)
		return redis.call('XADD', 'samepage:{0}:records', seq .. '-0', 't', ARGV[1], 'm', 'x', 'c', 'context:c-1', 'o', '2')`,
		"0", fmt.Sprint(time.Now().UnixMilli()))
	open("context:c-2", "v2")
	eventually(t, "the second one waits too", queued(2))
	eventually(t, "the record is named", func() bool { return strings.Contains(p.stderr.String(), "samepage:{0}:records at ") })

	corrupt := "samepage:{0}:entry:context:c-1"
	server.Do("HSET", corrupt, "junk", "1 {")
	p.call("POST", "/v1/commands/loyalty.adjust", "", `{"id":"x","on":"context:c-1","args":{"points":1,"reason":"x"}}`)
	p.kill()
	p = node(t, server.URL(), "")
	open("context:c-3", "v3")
	eventually(t, "the third one waits too", queued(3))
	if a := p.call("GET", "/v1/channels/context:c-1", "", ""); a.status < 500 {
		t.Errorf("a corrupt context is answered %d %s", a.status, a.body)
	}
}

// Two hubs share a server under prefixes of their own.
func TestTwoHubsShareAServer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := node(t, server.URL(), "", "--redis-prefix", "a"), node(t, server.URL(), "", "--redis-prefix", "b")
	a.command("loyalty.adjust", maya, "x", `{"points":1,"reason":"a"}`)
	b.command("loyalty.adjust", maya, "x", `{"points":2,"reason":"b"}`)
	if got := []any{a.balance(), b.balance()}; !slices.Equal(got, []any{1, 2}) {
		t.Errorf("the balances are %v", got)
	}
}
