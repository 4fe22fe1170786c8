package redis

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/samepage/samepage/presence"
)

//go:embed join.lua
var joinLua string

//go:embed leave.lua
var leaveLua string

//go:embed live.lua
var liveLua string

var (
	joinScript  = goredis.NewScript(joinLua)
	leaveScript = goredis.NewScript(leaveLua)
	liveScript  = goredis.NewScript(liveLua)
)

// partitions is how many hash tags channels are spread over.
const partitions = 64

// Options of a store. The zero value works.
type Options struct {
	// Prefix begins all keys. Empty: "samepage".
	Prefix string
	// Lease is how long a node that is not heard of is taken to live. 0: six seconds. A third of
	// it is the pause between two signs of life.
	Lease time.Duration
	// Left is told of members of a dead node that this node has removed, Joined of members of
	// this node that had been removed and are back. They do not call the store, and may be
	// called concurrently.
	Left, Joined func(channel string, m presence.Member)
	// Logger. nil: discards.
	Logger *slog.Logger
}

// Store is a [presence.Store] in Redis. Create it with [New]; [Store.Run]
// must run, else its members are taken for those of a dead node.
type Store struct {
	client goredis.UniversalClient
	opts   Options
	log    *slog.Logger

	life  sync.RWMutex           // held for reading while a member joins or leaves, for writing while the name changes
	node  atomic.Pointer[string] // the name this node lives under now; nil before it first lived
	mu    sync.Mutex             // guards the following field
	mine  [partitions]map[held]presence.Member
	begun sync.Mutex // held while the node first comes to life
}

// held names a member.
type held struct{ channel, client string }

var _ presence.Store = (*Store)(nil)

// New makes a store that speaks through a client, which stays the caller's.
func New(client goredis.UniversalClient, o Options) *Store {
	if o.Prefix == "" {
		o.Prefix = "samepage"
	}
	if o.Lease <= 0 {
		o.Lease = 6 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{client: client, opts: o, log: o.Logger}
	for p := range s.mine {
		s.mine[p] = map[held]presence.Member{}
	}
	return s
}

func partition(channel string) int {
	h := fnv.New32a()
	h.Write([]byte(channel))
	return int(h.Sum32() % partitions)
}

func (s *Store) key(partition int, what string) string {
	return s.opts.Prefix + ":presence:{" + strconv.Itoa(partition) + "}:" + what
}

func (s *Store) nodes() string { return s.opts.Prefix + ":presence:nodes" }

// Join implements [presence.Store].
func (s *Store) Join(ctx context.Context, channel string, m presence.Member) (bool, error) {
	if err := s.begin(ctx); err != nil {
		return false, err
	}
	s.life.RLock()
	defer s.life.RUnlock()
	fresh, err := s.join(ctx, channel, m)
	if err != nil {
		return false, err
	}
	m.ConnInfo, m.ChanInfo = append([]byte(nil), m.ConnInfo...), append([]byte(nil), m.ChanInfo...)
	s.mu.Lock()
	s.mine[partition(channel)][held{channel, m.Client}] = m
	s.mu.Unlock()
	return fresh, nil
}

func (s *Store) join(ctx context.Context, channel string, m presence.Member) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return false, fmt.Errorf("encode a member: %w", err)
	}
	p := partition(channel)
	keys := []string{s.key(p, "in:"+channel), s.key(p, "users:"+channel), s.key(p, "channels"), s.key(p, "node:"+s.name())}
	n, err := joinScript.Run(ctx, s.client, keys, channel, m.Client, s.name(), m.User, raw, s.key(p, "node:")).Int()
	if err != nil {
		return false, s.failed(ctx, "join "+channel, err)
	}
	return n == 1, nil
}

// Leave implements [presence.Store].
func (s *Store) Leave(ctx context.Context, channel, client string) (bool, error) {
	s.life.RLock()
	defer s.life.RUnlock()
	s.mu.Lock() // whatever comes of it: it is not to be joined again
	delete(s.mine[partition(channel)], held{channel, client})
	s.mu.Unlock()
	_, there, err := s.leave(ctx, channel, client, "")
	return there, err
}

// leave removes a member, if it is held by node where one is named.
func (s *Store) leave(ctx context.Context, channel, client, node string) (presence.Member, bool, error) {
	if err := ctx.Err(); err != nil {
		return presence.Member{}, false, err
	}
	p := partition(channel)
	keys := []string{s.key(p, "in:"+channel), s.key(p, "users:"+channel), s.key(p, "channels")}
	raw, err := leaveScript.Run(ctx, s.client, keys, channel, client, node, s.key(p, "node:")).Text()
	if errors.Is(err, goredis.Nil) {
		return presence.Member{}, false, nil
	}
	if err != nil {
		return presence.Member{}, false, s.failed(ctx, "leave "+channel, err)
	}
	m := presence.Member{Client: client}
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		s.log.Error("a member is not readable", "key", keys[0], "client", client, "err", err)
	}
	return m, true, nil
}

// Members implements [presence.Store].
func (s *Store) Members(ctx context.Context, channel string) (map[string]presence.Member, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key := s.key(partition(channel), "in:"+channel)
	all, err := s.client.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, s.failed(ctx, "members of "+channel, err)
	}
	members := make(map[string]presence.Member, len(all))
	for client, kept := range all {
		m, err := readMember(kept)
		if err != nil {
			return nil, fmt.Errorf("presence: key %s field %s is corrupt: %w", key, client, err)
		}
		members[client] = m
	}
	return members, nil
}

// readMember reads what join.lua has stored.
func readMember(kept string) (presence.Member, error) {
	_, rest, ok := strings.Cut(kept, " ")
	length, rest, ok2 := strings.Cut(rest, " ")
	n, err := strconv.Atoi(length)
	if !ok || !ok2 || err != nil || n < 0 || n > len(rest) {
		return presence.Member{}, errors.New("no member")
	}
	var m presence.Member
	err = json.Unmarshal([]byte(rest[n:]), &m)
	return m, err
}

// Stats implements [presence.Store].
func (s *Store) Stats(ctx context.Context, channel string) (presence.Stats, error) {
	if err := ctx.Err(); err != nil {
		return presence.Stats{}, err
	}
	p := partition(channel)
	pipe := s.client.Pipeline()
	clients, users := pipe.HLen(ctx, s.key(p, "in:"+channel)), pipe.HLen(ctx, s.key(p, "users:"+channel))
	if _, err := pipe.Exec(ctx); err != nil {
		return presence.Stats{}, s.failed(ctx, "stats of "+channel, err)
	}
	return presence.Stats{Clients: int(clients.Val()), Users: int(users.Val())}, nil
}

// Channels implements [presence.Store].
func (s *Store) Channels(ctx context.Context, pattern string) (map[string]int, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("channels like %q: %w", pattern, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	pipe := s.client.Pipeline()
	var all [partitions]*goredis.MapStringStringCmd
	for p := range all {
		all[p] = pipe.HGetAll(ctx, s.key(p, "channels"))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, s.failed(ctx, "channels", err)
	}
	found := map[string]int{}
	for _, cmd := range all {
		for channel, count := range cmd.Val() {
			if ok, _ := path.Match(pattern, channel); ok || pattern == "" {
				found[channel], _ = strconv.Atoi(count)
			}
		}
	}
	return found, nil
}

func (s *Store) failed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("presence: %s: %w", what, err)
}
