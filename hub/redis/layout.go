package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"

	"github.com/samepage/samepage/hub"
)

const (
	format        = "samepage/1"
	maxPartitions = 4096
)

// checkLayout reads, or at first start writes, what the store is laid out as.
func (e *Engine) checkLayout(ctx context.Context) (partitions int, err error) {
	wanted := e.opts.Partitions
	if wanted == 0 {
		wanted = hub.DefaultPartitions
	}
	r, err := e.layout(ctx, "", wanted)
	if err != nil {
		return 0, err
	}
	if text(r[0]) == "" { // nobody has been here, or somebody else
		strange, err := e.anyKey(ctx)
		if err != nil {
			return 0, err
		}
		laidOut := format
		if strange != "" {
			laidOut = "" // unless a node that starts with us has done it meanwhile
		}
		if r, err = e.layout(ctx, laidOut, wanted); err != nil {
			return 0, err
		}
		if text(r[0]) == "" {
			return 0, fmt.Errorf("there are keys that begin with %q, such as %s, and no layout: they are somebody else's, or left over; choose another prefix, or remove them", e.keys.prefix+":", strange)
		}
	}
	if text(r[0]) != format {
		return 0, fmt.Errorf("key %s is laid out as %q, not %q: it is another program's, or another version's; choose another prefix", e.keys.layout(), text(r[0]), format)
	}
	partitions, err = strconv.Atoi(text(r[1]))
	if err != nil || partitions < 1 || partitions > maxPartitions {
		return 0, fmt.Errorf("key %s is corrupt: %q partitions", e.keys.layout(), text(r[1]))
	}
	if e.opts.Partitions != 0 && e.opts.Partitions != partitions {
		return 0, fmt.Errorf("the store is laid out with %d partitions, and %d are asked for; ask for %d, or choose another prefix", partitions, e.opts.Partitions, partitions)
	}
	return partitions, nil
}

// anyKey is a key under our prefix, "" if there is none.
func (e *Engine) anyKey(ctx context.Context) (string, error) {
	reply, err := e.layoutCall(ctx, []any{"SCAN", 0, "MATCH", e.keys.prefix + ":*", "COUNT", 10_000})
	if err != nil {
		return "", err
	}
	found, err := list(reply, 2)
	if err != nil {
		return "", err
	}
	if keys, _ := found[1].([]any); len(keys) > 0 {
		return text(keys[0]), nil
	}
	return "", nil
}

// layout runs layout.lua; with an empty format nothing is written.
func (e *Engine) layout(ctx context.Context, format string, partitions int) ([]any, error) {
	reply, err := e.layoutCall(ctx, layoutScript.whole(layoutScript.call([]string{e.keys.layout()}, format, partitions, rand.Text())))
	if err != nil {
		return nil, err
	}
	return list(reply, 3)
}

// layoutCall goes to the master of the layout's own slot, which is no partition's.
func (e *Engine) layoutCall(ctx context.Context, args []any) (any, error) {
	if e.topo.address.kind != cluster {
		return e.topo.sole().do(ctx, args, false)
	}
	addr, err := e.topo.owner(ctx, slot(e.keys.layout()))
	if err != nil {
		return nil, err
	}
	client := e.topo.dial(addr)
	defer client.Close()
	return client.Do(ctx, args...).Result()
}

func (e *Engine) watchLayout(ctx context.Context) {
	r, err := e.layout(ctx, format, e.Partitions())
	if err != nil {
		return
	}
	if text(r[0]) == format && text(r[1]) == strconv.Itoa(e.Partitions()) {
		e.wrongLayout.Store(nil)
		return
	}
	wrong := fmt.Errorf("the store was laid out anew, as %q with %s partitions, and this node knows %d; restart it", text(r[0]), text(r[1]), e.Partitions())
	if e.wrongLayout.Swap(&wrong) == nil {
		e.log.Error("the store is not to be used", "err", wrong)
	}
}
