package redis

import (
	"context"
	"errors"
	"fmt"
	"net"

	goredis "github.com/redis/go-redis/v9"
)

// owner is the master of a slot.
func (t *topology) owner(ctx context.Context, slot int) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	owners, err := t.ask(ctx)
	if err != nil {
		return "", err
	}
	if owners[slot] == "" {
		return "", fmt.Errorf("no master holds hash slot %d", slot)
	}
	return owners[slot], nil
}

// ask reads slot -> master from the first server that knows.
func (t *topology) ask(ctx context.Context) (*[slots]string, error) {
	var addrs []string
	for addr, n := range t.nodes {
		if n.health() == nil {
			addrs = append(addrs, addr)
		}
	}
	addrs = append(addrs, t.address.hosts...)
	var errs []error
	for _, addr := range addrs {
		owners, err := t.askOne(ctx, addr)
		if err == nil {
			return owners, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", addr, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (t *topology) askOne(ctx context.Context, addr string) (*[slots]string, error) {
	ctx, cancel := context.WithTimeout(ctx, t.opts.Timeout)
	defer cancel()
	client := goredis.NewClient(t.clientOptions(addr))
	if n := t.nodes[addr]; n != nil {
		client = n.client
	} else {
		defer client.Close()
	}
	//lint:ignore SA1019 it names the one owner of each slot; CLUSTER SHARDS gives groups of nodes to choose from
	ranges, err := client.ClusterSlots(ctx).Result()
	if err != nil {
		return nil, err
	}
	var owners [slots]string
	for _, r := range ranges {
		if len(r.Nodes) == 0 {
			continue
		}
		host, port, err := net.SplitHostPort(r.Nodes[0].Addr)
		if err != nil {
			return nil, fmt.Errorf("address of a master: %w", err)
		}
		if host == "" || host == "?" {
			host, _, _ = net.SplitHostPort(addr)
		}
		for s := r.Start; s <= r.End && s >= 0 && s < slots; s++ {
			owners[s] = net.JoinHostPort(host, port)
		}
	}
	return &owners, nil
}
