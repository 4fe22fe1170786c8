package enginetest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/enginetest"
)

func TestTheModelKeepsTheContract(t *testing.T) {
	clock := &clock{now: time.Now()}
	open := func(opts enginetest.ModelOptions) func(t *testing.T) hub.Engine {
		return func(t *testing.T) hub.Engine {
			opts.Now = clock.Now
			m := enginetest.NewModel(opts)
			t.Cleanup(func() { m.Close() })
			return m
		}
	}
	enginetest.Run(t, enginetest.Harness{
		Open:      open(enginetest.ModelOptions{LogSize: 12, LogAge: 48 * time.Hour}),
		OpenSmall: open(enginetest.ModelOptions{RecordsSize: 48}),
		LogSize:   12, LogAge: 48 * time.Hour,
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
