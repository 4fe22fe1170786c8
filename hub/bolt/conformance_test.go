package bolt_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
	"github.com/samepage/samepage/hub/enginetest"
)

func TestBoltKeepsTheContract(t *testing.T) {
	const logSize, logAge = 40, 48 * time.Hour
	clock := &clock{now: time.Now()}
	var mu sync.Mutex
	paths := map[hub.Engine]string{}
	openAt := func(t *testing.T, path string, opts bolt.Options) hub.Engine {
		opts.Now = clock.Now
		e, err := bolt.Open(path, opts)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
		mu.Lock()
		defer mu.Unlock()
		paths[e] = path
		return e
	}
	opts := bolt.Options{LogSize: logSize, LogAge: logAge}
	enginetest.Run(t, enginetest.Harness{
		Open: func(t *testing.T) hub.Engine {
			return openAt(t, filepath.Join(t.TempDir(), "store.db"), opts)
		},
		Reopen: func(t *testing.T, e hub.Engine) hub.Engine {
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			path := paths[e]
			mu.Unlock()
			return openAt(t, path, opts)
		},
		OpenSmall: func(t *testing.T) hub.Engine {
			return openAt(t, filepath.Join(t.TempDir(), "store.db"),
				bolt.Options{RecordsSize: 32, RecordsStep: 8, SweepEvery: 5 * time.Millisecond})
		},
		LogSize: logSize, LogAge: logAge,
		Advance: func(_ hub.Engine, d time.Duration) { clock.advance(d) },
	})
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
