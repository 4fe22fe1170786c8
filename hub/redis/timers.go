package redis

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

//go:embed due.lua
var dueLua string

//go:embed clear.lua
var clearLua string

var (
	dueScript   = newScript(writes + dueLua)
	clearScript = newScript(writes + clearLua)
)

// A timer's member of the sorted set is its channel, a space and its key; what
// the hash has of it is its due time in milliseconds, method and arguments,
// with spaces between them.
func timerMember(name hub.Channel, key string) string { return string(name) + " " + key }

func parseTimer(member, value string) (hub.Timer, error) {
	name, key, ok := strings.Cut(member, " ")
	due, rest, ok2 := strings.Cut(value, " ")
	method, args, ok3 := strings.Cut(rest, " ")
	ms, err := strconv.ParseInt(due, 10, 64)
	if !ok || !ok2 || !ok3 || err != nil {
		return hub.Timer{}, errors.New("no timer")
	}
	t := hub.Timer{Channel: hub.Channel(name), Key: key, Due: time.UnixMilli(ms).UTC(), Method: method}
	if args != "" {
		t.Args = []byte(args)
	}
	return t, nil
}

// Due implements [hub.Engine]. It looks which partitions have something due,
// all in one round trip, and then claims in those alone.
func (e *Engine) Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]hub.Timer, error) {
	if limit <= 0 {
		return nil, e.enter(ctx)
	}
	at := strconv.FormatInt(now.UnixMilli(), 10)
	type found struct {
		partition int
		due       float64
	}
	var waiting []found
	err := e.ask(ctx, e.all(), func(p int) []any {
		return []any{"ZRANGE", e.keys.of(p, keyDue), "-inf", at, "BYSCORE", "LIMIT", 0, limit, "WITHSCORES"}
	}, func(p int, reply any) error {
		pairs, err := list(reply, 0)
		for i := 1; i < len(pairs); i += 2 {
			due, _ := strconv.ParseFloat(text(pairs[i]), 64)
			waiting = append(waiting, found{p, due})
		}
		return err
	})
	if err != nil || len(waiting) == 0 {
		return nil, err
	}
	slices.SortFunc(waiting, func(a, b found) int { return cmp.Compare(a.due, b.due) })
	counts := map[int]int{}
	for _, f := range waiting[:min(limit, len(waiting))] {
		counts[f.partition]++
	}
	until := strconv.FormatInt(now.Add(lease).UnixMilli(), 10)
	var mu sync.Mutex
	var timers []hub.Timer
	err = each(counts, func(p, count int) error {
		reply, err := e.run(ctx, p, dueScript, []string{e.keys.of(p, keyTimers), e.keys.of(p, keyDue)}, at, until, count)
		if err != nil {
			return err
		}
		pairs, err := list(reply, 0)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for i := 0; i+1 < len(pairs); i += 2 {
			t, err := parseTimer(text(pairs[i]), text(pairs[i+1]))
			if err != nil { // the others go on
				e.log.Error("a timer is not readable", "err", corruptKey(e.keys.of(p, keyTimers), "field "+text(pairs[i]), err))
				continue
			}
			timers = append(timers, t)
		}
		return nil
	})
	slices.SortFunc(timers, func(a, b hub.Timer) int { return a.Due.Compare(b.Due) })
	if len(timers) > 0 {
		return timers, nil // claims of the partitions that failed come back after the lease
	}
	return nil, err
}

// ClearTimer implements [hub.Engine].
func (e *Engine) ClearTimer(ctx context.Context, t hub.Timer) error {
	p := e.keys.partition(t.Channel)
	_, err := e.run(ctx, p, clearScript, []string{e.keys.of(p, keyTimers), e.keys.of(p, keyDue)},
		timerMember(t.Channel, t.Key), strconv.FormatInt(t.Due.UnixMilli(), 10))
	return err
}
