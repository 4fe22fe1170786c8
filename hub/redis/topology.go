package redis

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// topology says which master holds which partition. Of a standalone server,
// and of the master that Sentinels name, there is one for all of them and
// always the same; of a cluster the map is read anew when a call ends up at
// the wrong one, and now and then.
type topology struct {
	address address
	opts    *Options
	acks    acks
	slots   []int // partition -> hash slot
	ctx     context.Context
	moved   func(partition int, from, to *node) // called when a partition changed hands

	current atomic.Pointer[[]*node] // partition -> node
	looking atomic.Bool             // a reading is under way that nobody waits for

	mu    sync.Mutex // held while a map is read
	nodes map[string]*node
	read  time.Time

	closing sync.WaitGroup // nodes that are no longer masters
}

func newTopology(ctx context.Context, a address, o *Options, acks acks) *topology {
	silence()
	return &topology{address: a, opts: o, acks: acks, ctx: ctx, nodes: map[string]*node{}}
}

// start finds the masters. The partitions are not known yet: see spread.
func (t *topology) start(ctx context.Context) error {
	if t.address.kind != cluster {
		addr := t.address.hosts[0]
		if t.address.kind == sentinel {
			addr = t.address.master
		}
		t.nodes[addr] = newNode(t.ctx, addr, t.dial(t.address.hosts[0]), t.opts, t.acks)
		return nil
	}
	_, err := t.ask(ctx)
	return err
}

// sole is the one node of what is no cluster.
func (t *topology) sole() *node {
	for _, n := range t.nodes {
		return n
	}
	return nil
}

// spread lays the partitions out over the masters.
func (t *topology) spread(ctx context.Context, k keys, attach func(n *node, partition int)) error {
	t.slots = make([]int, len(k.tags))
	for p, tag := range k.tags {
		t.slots[p] = slot(tag)
	}
	if t.address.kind == cluster {
		t.read = time.Time{}
		return t.refresh(ctx, attach)
	}
	nodes := make([]*node, len(t.slots))
	for _, n := range t.nodes {
		attach(n, 0)
		for p := range nodes {
			nodes[p] = n
		}
	}
	t.current.Store(&nodes)
	return nil
}

// node is the master of a partition.
func (t *topology) node(partition int) *node { return (*t.current.Load())[partition] }

// masters are all that hold partitions, each with one of them.
func (t *topology) masters() map[*node]int {
	masters := map[*node]int{}
	for p, n := range *t.current.Load() {
		if _, ok := masters[n]; !ok {
			masters[n] = p
		}
	}
	return masters
}

// stop closes all nodes, after the topology's context has ended.
func (t *topology) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.nodes {
		n.close()
	}
	t.closing.Wait()
}

// minRefresh is the least time between two readings of the map.
const minRefresh = 50 * time.Millisecond

// refresh reads the cluster's map, unless that was just done.
func (t *topology) refresh(ctx context.Context, attach func(n *node, partition int)) error {
	if t.address.kind != cluster {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.read) < minRefresh {
		return nil
	}
	owners, err := t.ask(ctx)
	if err != nil {
		return err
	}
	t.read = time.Now()
	nodes := make([]*node, len(t.slots))
	used := map[*node]bool{}
	for p, s := range t.slots {
		addr := owners[s]
		if addr == "" {
			return fmt.Errorf("no master holds hash slot %d", s)
		}
		n := t.nodes[addr]
		if n == nil {
			n = newNode(t.ctx, addr, t.dial(addr), t.opts, t.acks)
			t.nodes[addr] = n
		}
		if !used[n] {
			attach(n, p)
		}
		nodes[p], used[n] = n, true
	}
	before := t.current.Swap(&nodes)
	if before != nil {
		for p := range nodes {
			if from, to := (*before)[p], nodes[p]; from != to {
				t.moved(p, from, to)
			}
		}
	}
	for addr, n := range t.nodes {
		if !used[n] {
			delete(t.nodes, addr)
			t.closing.Go(n.close)
		}
	}
	return nil
}
