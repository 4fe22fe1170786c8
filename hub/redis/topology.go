package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
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

// quiet is the driver's logger: what it would write to standard error, nodes
// and links tell by themselves, once.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

var silence = sync.OnceFunc(func() { goredis.SetLogger(quiet{}) })

func newTopology(ctx context.Context, a address, o *Options, acks acks) *topology {
	silence()
	return &topology{address: a, opts: o, acks: acks, ctx: ctx, nodes: map[string]*node{}}
}

// clientOptions are those of every connection to a master.
func (t *topology) clientOptions(addr string) *goredis.Options {
	reply := t.opts.Timeout
	if t.acks.wanted() {
		reply += t.opts.AckTimeout
	}
	return &goredis.Options{
		Addr: addr, Username: t.address.username, Password: t.address.password, DB: t.address.db,
		TLSConfig: t.address.tls(t.opts.TLS),
		Protocol:  2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1, DialerRetries: 1, // a commit is never sent twice behind our back
		DialTimeout: t.opts.Timeout, ReadTimeout: reply, WriteTimeout: t.opts.Timeout,
		PoolSize: t.opts.Connections + 2, PipelinePoolSize: t.opts.Connections,
	}
}

// dial makes the client of one server, or of the master behind the Sentinels.
func (t *topology) dial(addr string) *goredis.Client {
	o := t.clientOptions(addr)
	if t.address.kind != sentinel {
		return goredis.NewClient(o)
	}
	return goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName: t.address.master, SentinelAddrs: t.address.hosts,
		SentinelUsername: t.address.sentinelUsername, SentinelPassword: t.address.sentinelPassword,
		Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig,
		Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaxRetries: -1, DialerRetries: 1,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		PoolSize: o.PoolSize, PipelinePoolSize: o.PipelinePoolSize,
	})
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
