package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Open connects to the store, checks that it can be one, lays it out if it is
// new, and begins to carry calls until Close. It fails, with the reason and
// what to do about it, for a server older than 7.0, one that may evict keys,
// keys of somebody else under our prefix, and another number of partitions.
func Open(ctx context.Context, o Options) (*Engine, error) {
	o = o.withDefaults()
	a, err := parseAddresses(o.Addresses)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	acks, err := parseAcks(o.Acks)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if strings.ContainsAny(o.Prefix, "{} ") {
		return nil, fmt.Errorf("redis: the prefix %q must not hold braces or spaces", o.Prefix)
	}
	if o.Partitions < 0 || o.Partitions > maxPartitions {
		return nil, fmt.Errorf("redis: %d partitions; at least 1 and at most %d are possible", o.Partitions, maxPartitions)
	}
	e := &Engine{opts: o, acks: acks, name: rand.Text(), log: o.Logger, publish: "PUBLISH"}
	if a.kind == cluster {
		e.publish = "SPUBLISH"
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.topo = newTopology(e.ctx, a, &e.opts, acks)
	e.topo.moved = e.rehome
	if err := e.open(ctx, a); err != nil {
		e.cancel()
		e.work.Wait()
		e.topo.stop()
		return nil, fmt.Errorf("redis: %w", err)
	}
	e.wakes.waiting = map[int]map[chan *told]bool{}
	e.hearing.start(e.ctx, e)
	e.work.Go(e.watch)
	return e, nil
}

func (e *Engine) open(ctx context.Context, a address) error {
	if err := e.topo.start(ctx); err != nil {
		return err
	}
	e.keys.prefix = e.opts.Prefix
	partitions, err := e.checkLayout(ctx)
	if err != nil {
		return err
	}
	e.keys = newKeys(e.opts.Prefix, a.db, partitions)
	e.topics.all = make([]map[string]*topic, partitions)
	for p := range e.topics.all {
		e.topics.all[p] = map[string]*topic{}
	}
	if err := e.topo.spread(ctx, e.keys, e.attachLink); err != nil {
		return err
	}
	for n := range e.topo.masters() {
		if err := e.checkServer(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", n.addr, err)
		}
	}
	return nil
}

// attachLink gives a node its listening connection, to be opened when there is something to hear.
func (e *Engine) attachLink(n *node, partition int) {
	probe := &topic{name: e.keys.topic(partition, topicProbe+e.name), partition: partition}
	if n.link != nil {
		n.link.probeBy(probe)
		return
	}
	l := newLink(n, e.topo.address.kind == cluster)
	l.hear = func(in heard, more bool) { e.hearing.put(e.ctx, e, in, more) }
	l.stray = e.lookAround
	l.send = func(ctx context.Context, topic string) error {
		_, err := n.do(ctx, []any{e.publish, topic, "probe"}, false)
		return err
	}
	l.probeBy(probe)
	n.link = l
}

// checkServer refuses a master that cannot be trusted with a store.
func (e *Engine) checkServer(ctx context.Context, n *node) error {
	info, err := n.client.Info(ctx, "everything").Result()
	if err != nil {
		return err
	}
	fields := map[string]string{}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields[name] = value
	}
	version := fields["redis_version"]
	major, rest, _ := strings.Cut(version, ".")
	if m, err := strconv.Atoi(major); err != nil || m < 7 {
		return fmt.Errorf("the server is of version %q; 7.0 or newer is needed", version)
	}
	if fields["cluster_enabled"] == "1" && e.topo.address.kind != cluster {
		return errors.New("the server is a node of a cluster; give the address as redis+cluster://")
	}
	if role := fields["role"]; role != "" && role != "master" {
		return fmt.Errorf("the server is a %s; give the address of its master, or of the Sentinels that know it", role)
	}
	if policy := fields["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		return fmt.Errorf("the server may evict keys when its memory is full (maxmemory-policy %s), and with them what was acknowledged; set it to noeviction: CONFIG SET maxmemory-policy noeviction", policy)
	}
	if e.acks.aof {
		minor, _, _ := strings.Cut(rest, ".")
		m, _ := strconv.Atoi(minor)
		if major == "7" && m < 2 {
			return fmt.Errorf("the server is of version %s, which cannot say when its append only file is synced (WAITAOF, since 7.2); use a newer one, or appendfsync always without acks", version)
		}
		if fields["aof_enabled"] == "0" {
			return errors.New("acks are to wait for the append only file, and the server keeps none; set appendonly yes")
		}
	}
	return nil
}

// watch looks after the store: that its layout is there and ours, also after
// everything was flushed, and that the cluster's map is not too old.
func (e *Engine) watch() {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for round := 1; ; round++ {
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(e.ctx, e.opts.Timeout)
		if err := e.refresh(ctx); err != nil && e.ctx.Err() == nil {
			e.log.Warn("the cluster's map cannot be read", "err", err)
		}
		e.watchLayout(ctx)
		cancel()
		if round%6 == 0 {
			e.sweep()
		}
	}
}
