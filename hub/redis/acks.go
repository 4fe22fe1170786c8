package redis

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// acks is what commits wait for, see Options.Acks. The wait stands behind the
// commits in the same pipeline, so it covers all of them at once.
type acks struct {
	replicas int
	aof      bool
}

func parseAcks(s string) (acks, error) {
	if s == "" {
		return acks{}, nil
	}
	if s == "aof" {
		return acks{aof: true}, nil
	}
	if n, ok := strings.CutPrefix(s, "replica:"); ok {
		if count, err := strconv.Atoi(n); err == nil && count > 0 {
			return acks{replicas: count}, nil
		}
	}
	return acks{}, fmt.Errorf("acks are replica:N or aof, not %q", s)
}

func (a acks) wanted() bool { return a.replicas > 0 || a.aof }

func (a acks) command(timeout time.Duration) []any {
	if a.aof {
		return []any{"WAITAOF", 1, 0, timeout.Milliseconds()}
	}
	return []any{"WAIT", a.replicas, timeout.Milliseconds()}
}

var errUnacked = errors.New("stored, but not acknowledged as asked: the outcome is unknown")

// missing is why the wait did not bring what was asked for, nil if it did.
func (a acks) missing(wait *goredis.Cmd) error {
	if wait == nil {
		return nil
	}
	reply, err := wait.Result()
	if err != nil {
		return fmt.Errorf("%w: %w", errUnacked, err)
	}
	if a.aof {
		if list, ok := reply.([]any); ok && len(list) == 2 && list[0] == int64(1) {
			return nil
		}
		return fmt.Errorf("%w: the append only file was not synced in time", errUnacked)
	}
	if n, _ := reply.(int64); n < int64(a.replicas) {
		return fmt.Errorf("%w: by %d of %d replicas", errUnacked, n, a.replicas)
	}
	return nil
}
