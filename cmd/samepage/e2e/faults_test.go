package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub/redis/redistest"
)

func TestStormOnThreeNodes(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	nodes := []*program{node(t, url, stormConfig), node(t, url, stormConfig), node(t, url, stormConfig)}
	newStorm(t, 3, nodes...).blow("calm, three nodes", func() { time.Sleep(2 * time.Second) })
}

func TestStormWhileANodeIsKilled(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	a, b := node(t, url, stormConfig), node(t, url, stormConfig)
	s := newStorm(t, 3, a, b)
	s.blow("kill -9 of a node", func() {
		a.kill()
		time.Sleep(time.Second)
		a = node(t, url, stormConfig)
		s.at(a, b)
		time.Sleep(time.Second)
		b.kill()
		b = node(t, url, stormConfig)
		s.at(a, b)
	})
}

// A node that stood still believes to hold what others have taken over.
func TestStormWhileANodeStandsStill(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	nodes := []*program{node(t, url, stormConfig), node(t, url, stormConfig), node(t, url, stormConfig)}
	newStorm(t, 3, nodes...).blow("SIGSTOP of a node, 7 s, twice", func() {
		for _, n := range nodes[:2] {
			n.pause()
			time.Sleep(7 * time.Second)
			n.resume()
			time.Sleep(2 * time.Second)
		}
	})
}

// With "everysec" Redis puts off even the write while an earlier sync is under
// way, so that a kill alone can cost it what it has acknowledged.
func TestStormWhileRedisIsKilled(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s := newStorm(t, 3, node(t, server.URL(), stormConfig), node(t, server.URL(), stormConfig))
	s.blow("kill -9 of Redis with AOF", func() {
		server.Kill()
		time.Sleep(500 * time.Millisecond)
		server.Restart()
		time.Sleep(time.Second)
	})
}

func TestStormWhileRedisStandsStill(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStorm(t, 3, node(t, server.URL(), stormConfig), node(t, server.URL(), stormConfig))
	s.blow("SIGSTOP of Redis, 10 s", func() {
		server.Pause()
		time.Sleep(5 * time.Second)
		began := time.Now()
		a, err := s.ask(s.from(0)[0]+"/v1/commands/loyalty.adjust", "", `{"id":"while-away","on":"context:c-0","args":{"points":1,"reason":"away"}}`)
		if took := time.Since(began); err != nil || a.status != 503 || a.field("code") != "unavailable" || took > 3*time.Second {
			t.Errorf("while Redis stands still a command is answered %d %s %v after %s", a.status, a.body, err, took)
		}
		time.Sleep(5 * time.Second)
		server.Resume()
		time.Sleep(2 * time.Second)
	})
}

func TestStormWhileSubscriptionsAreKilled(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStorm(t, 3, node(t, server.URL(), stormConfig), node(t, server.URL(), stormConfig))
	s.blow("CLIENT KILL TYPE pubsub", func() {
		for range 8 {
			server.Do("CLIENT", "KILL", "TYPE", "pubsub")
			time.Sleep(250 * time.Millisecond)
		}
	})
}

func TestStormWhileConnectionsAreDelayedCutAndHalfClosed(t *testing.T) {
	t.Parallel()
	proxy := redistest.StartProxy(t, redistest.Start(t))
	s := newStorm(t, 3, node(t, proxy.URL(), stormConfig), node(t, proxy.URL(), stormConfig))
	s.blow("delays, cuts, half-closes, deaf subscriptions", func() {
		for range 3 {
			proxy.Delay.Store(20)
			time.Sleep(250 * time.Millisecond)
			proxy.Cut()
			time.Sleep(100 * time.Millisecond)
			proxy.Delay.Store(0)
			proxy.HalfClose()
			time.Sleep(250 * time.Millisecond)
			proxy.Deaf.Store(true)
			time.Sleep(250 * time.Millisecond)
			proxy.Deaf.Store(false)
		}
		time.Sleep(time.Second)
	})
}

func TestStormWhileAReplicaThatLagsIsPromoted(t *testing.T) {
	t.Parallel()
	if soak(t) > 0 {
		t.Skip("the master that was killed does not come back: once is all there is")
	}
	sentinels := redistest.StartSentinels(t, 1)
	s := newStorm(t, 3, node(t, sentinels.URL(), stormConfig), node(t, sentinels.URL(), stormConfig))
	s.lossy = true
	s.blow("Sentinel failover to a replica that lags", func() {
		time.Sleep(500 * time.Millisecond)
		sentinels.Lag(sentinels.Replicas[0])
		time.Sleep(500 * time.Millisecond) // what is accepted now is on the master alone
		sentinels.Master.Kill()
		sentinels.Replicas[0].Resume()
		sentinels.WaitForMaster(sentinels.Master)
		time.Sleep(2 * time.Second)
	})
}

func TestStormWhileSlotsMove(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	s := newStorm(t, 3, node(t, c.URL(), stormConfig), node(t, c.URL(), stormConfig))
	s.blow("slots of a cluster move", func() {
		for _, name := range append([]string{"queue:support"}, s.names...) {
			slot := slotOf(t, c, name)
			from := c.Owner(slot)
			for _, to := range c.Nodes() {
				if to.Master == "" && to.ID != from.ID {
					c.MoveSlot(slot, to)
					break
				}
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
}

// slotOf is the slot that a channel's keys are in.
func slotOf(t *testing.T, c *redistest.Cluster, name string) int {
	t.Helper()
	slot := -1
	eventually(t, name+" is in the store", func() bool {
		for _, n := range c.Nodes() {
			if n.Master != "" {
				continue
			}
			if key := n.Server.Do("EVAL", "return redis.call('KEYS', ARGV[1])[1] or ''", "0", "*:head:"+name); key != "" {
				text := n.Server.Do("CLUSTER", "KEYSLOT", key)
				slot, _ = strconv.Atoi(strings.TrimPrefix(text, ":"))
				return true
			}
		}
		return false
	})
	return slot
}

func TestStormWhileEverythingIsFlushed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStorm(t, 3, node(t, server.URL(), stormConfig), node(t, server.URL(), stormConfig))
	s.lossy = true
	s.blow("FLUSHALL", func() {
		time.Sleep(500 * time.Millisecond)
		server.Do("FLUSHALL")
		time.Sleep(2 * time.Second)
	})
}
