package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

func TestStoreThatCannotBeTrustedIsRefusedWithReasonAndRemedy(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, c := range map[string]struct {
		prepare func(p string)
		options redis.Options
		want    []string
	}{
		"it may evict keys": {
			prepare: func(string) { server.Do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru") },
			want:    []string{"allkeys-lru", "noeviction"},
		},
		"another number of partitions": {
			prepare: func(p string) { server.Do("HSET", p+":layout", "format", "samepage/1", "partitions", "32") },
			options: redis.Options{Partitions: 64},
			want:    []string{"32 partitions", "64", "prefix"},
		},
		"another format": {
			prepare: func(p string) { server.Do("HSET", p+":layout", "format", "samepage/9", "partitions", "32") },
			want:    []string{"samepage/9", "samepage/1"},
		},
		"keys of somebody else": {
			prepare: func(p string) { server.Do("SET", p+":session:1", "x") },
			want:    []string{":session:1", "another prefix"},
		},
		"a layout of somebody else": {
			prepare: func(p string) { server.Do("SET", p+":layout", "x") },
			want:    []string{":layout", "another prefix"},
		},
		"a corrupt layout": {
			prepare: func(p string) { server.Do("HSET", p+":layout", "format", "samepage/1", "partitions", "many") },
			want:    []string{":layout", "many"},
		},
		"the disk is to be waited for, and the server cannot": {
			options: redis.Options{Acks: "aof"},
			want:    []string{"WAITAOF", "7.2"},
		},
		"acks that are none":      {options: redis.Options{Acks: "all"}, want: []string{"replica:N"}},
		"a prefix with braces":    {options: redis.Options{Prefix: "a{b}"}, want: []string{"braces"}},
		"too many partitions":     {options: redis.Options{Partitions: 5000}, want: []string{"4096"}},
		"no server where it says": {options: redis.Options{Addresses: []string{"redis://127.0.0.1:1"}}, want: []string{"127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			server.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
			o := c.options
			if o.Prefix == "" {
				o.Prefix = prefix()
			}
			if o.Addresses == nil {
				o.Addresses = []string{server.URL()}
			}
			if c.prepare != nil {
				c.prepare(o.Prefix)
			}
			e, err := redis.Open(t.Context(), o)
			if err == nil {
				_ = e.Close()
				t.Fatal("opened")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not mention %q", err, want)
				}
			}
		})
	}
}

func TestServerThatIsTooOldIsRefused(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	version := server.Info("redis_version")
	proxy := redistest.StartProxy(t, server)
	proxy.Instead = map[string]string{"redis_version:" + version: "redis_version:6" + version[1:]}
	if e, err := redis.Open(t.Context(), at(proxy.URL())); err == nil || !strings.Contains(err.Error(), `"6`+version[1:]+`"; 7.0 or newer`) {
		t.Errorf("opened %v, %v", e, err)
	}
}

func TestReplicaIsRefused(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	replica := redistest.Start(t, "--replicaof", fmt.Sprintf("127.0.0.1 %d", master.Port), "--replica-read-only", "no")
	if e, err := redis.Open(t.Context(), at(replica.URL())); err == nil || !strings.Contains(err.Error(), "master") {
		t.Errorf("opened %v, %v", e, err)
	}
}

func TestClusterIsNotTakenForOneServer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--cluster-enabled", "yes")
	if e, err := redis.Open(t.Context(), at(server.URL())); err == nil {
		t.Errorf("opened %v", e)
	}
}

func TestStoreKeepsItsPartitionsAndIsLaidOutAgainAfterAFlush(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	o := at(server.URL())
	o.Partitions = 8
	first := open(t, o)
	o.Partitions = 0
	if n := open(t, o).Partitions(); n != 8 {
		t.Fatalf("%d partitions, want the 8 of the first start", n)
	}
	server.Do("FLUSHALL")
	server.WaitFor("the layout is written again", func() bool { return server.Do("EXISTS", "samepage:layout") == ":1" })
	if n := open(t, o).Partitions(); n != 8 {
		t.Fatalf("%d partitions after a flush, want 8", n)
	}
	server.Do("HSET", "samepage:layout", "partitions", "16")
	server.WaitFor("a node that knows another layout stops", func() bool {
		_, err := first.Load(t.Context(), "context:c")
		return errors.Is(err, hub.ErrUnavailable) && strings.Contains(err.Error(), "restart")
	})
}

func TestNodesThatStartTogetherLayTheStoreOutOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for range 20 {
		o := at(server.URL())
		o.Prefix, o.Partitions = prefix(), 4
		var work sync.WaitGroup
		for range 6 {
			work.Go(func() {
				e, err := redis.Open(t.Context(), o)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := e.Commit(t.Context(), added("k", `{}`)); err != nil {
					t.Error(err)
				}
				_ = e.Close()
			})
		}
		work.Wait()
	}
}
