package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

func at(addresses ...string) redis.Options { return redis.Options{Addresses: addresses} }

func TestStormWithoutAFault(t *testing.T) {
	t.Parallel()
	newStorm(t, at(redistest.Start(t).URL()), 2, 4).blow("calm", func() { time.Sleep(time.Second) })
}

func TestServerIsKilledAndRestartedWithItsAppendOnlyFile(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s := newStorm(t, at(server.URL()), 2, 4)
	before := head(t, s.engines[0], s.names[0])
	s.blow("kill -9", func() {
		for range 3 {
			server.Kill()
			time.Sleep(300 * time.Millisecond)
			server.Restart()
			time.Sleep(700 * time.Millisecond)
		}
	})
	if after := head(t, s.engines[0], s.names[0]); after.Epoch == before.Epoch {
		t.Error("the epoch outlived a restart of the server, which may have lost writes")
	}
}

func TestServerStandsStillForTenSeconds(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStorm(t, at(server.URL()), 2, 4)
	s.blow("SIGSTOP", func() {
		server.Pause()
		time.Sleep(4 * time.Second)
		began := time.Now()
		if _, err := s.engines[0].Load(t.Context(), "context:other"); err == nil || !strings.Contains(err.Error(), hub.ErrUnavailable.Error()) {
			t.Errorf("a server that does not answer: %v", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("unavailable only after %s", took)
		}
		time.Sleep(6 * time.Second)
		server.Resume()
		time.Sleep(time.Second)
	})
}

func TestSubscriptionsAreKilled(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	newStorm(t, at(server.URL()), 2, 4).blow("CLIENT KILL", func() {
		for range 10 {
			server.Do("CLIENT", "KILL", "TYPE", "pubsub")
			time.Sleep(150 * time.Millisecond)
			server.Do("CLIENT", "KILL", "TYPE", "normal")
			time.Sleep(50 * time.Millisecond)
		}
	})
}

func TestEverythingIsFlushed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStorm(t, at(server.URL()), 2, 4)
	s.lossy = true
	before := head(t, s.engines[0], s.names[0])
	s.blow("FLUSHALL", func() {
		server.Do("FLUSHALL")
		time.Sleep(time.Second)
	})
	if after := head(t, s.engines[0], s.names[0]); after.Epoch == before.Epoch {
		t.Error("the epoch outlived a flush")
	}
}

func TestSentinelPromotesAReplicaThatHasLostWrites(t *testing.T) {
	t.Parallel()
	sentinels := redistest.StartSentinels(t, 1)
	s := newStorm(t, at(sentinels.URL()), 2, 4)
	s.lossy = true
	before := head(t, s.engines[0], s.names[0])
	s.blow("failover with loss", func() {
		sentinels.Lag(sentinels.Replicas[0])
		time.Sleep(time.Second) // what is answered now is on the master alone
		sentinels.Master.Kill()
		sentinels.Replicas[0].Resume()
		sentinels.WaitForMaster(sentinels.Master)
		time.Sleep(2 * time.Second)
	})
	if after := head(t, s.engines[0], s.names[0]); after.Epoch == before.Epoch {
		t.Error("a new master goes on with the old epoch")
	}
}

func TestSentinelFailoverLosesNothingThatReplicasAcknowledged(t *testing.T) {
	t.Parallel()
	sentinels := redistest.StartSentinels(t, 2)
	o := at(sentinels.URL())
	o.Acks = "replica:1"
	newStorm(t, o, 2, 4).blow("failover with acks", func() {
		sentinels.Replicas[0].Pause()
		time.Sleep(500 * time.Millisecond)
		sentinels.Replicas[0].Resume()
		time.Sleep(500 * time.Millisecond)
		sentinels.Master.Kill()
		sentinels.WaitForMaster(sentinels.Master)
		time.Sleep(2 * time.Second)
	})
}

func TestSubscriptionLooksAliveAndDeliversNothing(t *testing.T) {
	t.Parallel()
	proxy := redistest.StartProxy(t, redistest.Start(t))
	o := at(proxy.URL())
	o.ProbeInterval = 200 * time.Millisecond
	s := newStorm(t, o, 2, 4)
	s.blow("deaf", func() {
		proxy.Deaf.Store(true)
		for deadline := time.Now().Add(20 * time.Second); s.engines[0].Links() < 3; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Error("the subscription was not opened anew")
				break
			}
		}
		if s.engines[0].Check(t.Context()) == nil {
			t.Error("a deaf engine says that it is well")
		}
		proxy.Deaf.Store(false)
		time.Sleep(time.Second)
	})
	if err := s.engines[0].Check(t.Context()); err != nil {
		t.Errorf("after it hears again: %v", err)
	}
}

func TestConnectionsAreDelayedCutAndHalfClosed(t *testing.T) {
	t.Parallel()
	proxy := redistest.StartProxy(t, redistest.Start(t))
	newStorm(t, at(proxy.URL()), 2, 4).blow("proxy", func() {
		for range 5 {
			proxy.Delay.Store(20)
			time.Sleep(200 * time.Millisecond)
			proxy.Cut()
			time.Sleep(100 * time.Millisecond)
			proxy.Delay.Store(0)
			proxy.HalfClose()
			time.Sleep(200 * time.Millisecond)
		}
	})
}

func TestSlotsMoveBetweenMasters(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	s := newStorm(t, at(c.URL()), 2, 4)
	s.blow("slots move", func() {
		for _, name := range s.names {
			slot := s.engines[0].Slot(name)
			from := c.Owner(slot)
			for _, to := range c.Nodes() {
				if to.Master == "" && to.ID != from.ID {
					c.MoveSlot(slot, to)
					break
				}
			}
			time.Sleep(300 * time.Millisecond)
		}
	})
}

func TestMasterOfAClusterIsKilled(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	o := at(c.URL())
	o.Acks = "replica:1"
	s := newStorm(t, o, 2, 4)
	s.blow("a cluster's master", func() {
		slot := s.engines[0].Slot(s.names[0])
		was := c.Owner(slot).Server
		time.Sleep(500 * time.Millisecond)
		was.Kill()
		was.WaitFor("the replica takes over", func() bool {
			for _, server := range c.Servers {
				if server != was {
					now, ok := c.OwnerSeenBy(server, slot)
					return ok && now.Server != was
				}
			}
			return false
		})
		was.Restart() // as a replica: the others have one to acknowledge again
		time.Sleep(3 * time.Second)
	})
}

func head(t *testing.T, e *redis.Engine, name hub.Channel) hub.Position {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		heads, err := e.Heads(t.Context(), []hub.Channel{name})
		if err == nil {
			return heads[0]
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
