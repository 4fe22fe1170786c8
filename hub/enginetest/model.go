package enginetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
)

// ModelOptions are what engines have in common.
type ModelOptions struct {
	Partitions  int              // 0: hub.DefaultPartitions
	LogSize     int              // events a channel's log keeps; 0: 1000
	LogAge      time.Duration    // how long it keeps one; 0: seven days
	RecordsSize int              // records kept for consumers; 0: all
	Now         func() time.Time // of plain channels' times to live; nil: time.Now
}

// Model is an engine in memory: the executable specification. One lock, plain
// maps and slices, nothing clever, nothing ever cleaned up that need not be.
type Model struct {
	opts  ModelOptions
	epoch string

	erasures int // guarded by mu

	mu       sync.Mutex
	closed   chan struct{}
	changed  chan struct{} // closed and replaced whenever anything happens
	channels map[hub.Channel]*modelChannel
	commands map[[2]string]modelAnswer // channel, id
	records  []hub.Record              // of all partitions, oldest first
	heads    map[int]uint64            // partition -> last seq
	floors   map[int]uint64            // partition -> last seq that was let go
	cursors  map[string]hub.Cursors
	timers   map[[2]string]*modelTimer // channel, key
	plain    map[hub.Channel]*modelPlain
	keys     map[[2]string]modelKey // channel, idempotency key

	followed  map[hub.Channel]bool
	listening bool
	queue     []*hub.Message
}

type modelChannel struct {
	epoch   string // "": the store's
	offset  uint64
	entries map[string]hub.Entry
	log     []*hub.Message
}

type modelAnswer struct {
	hub.Remembered
	offset uint64
	made   bool
}

type modelTimer struct {
	hub.Timer
	claimed time.Time
}

type modelPlain struct {
	life         int // how often its position was forgotten
	offset       uint64
	kept         []*hub.Message
	ends         []time.Time
	forget       time.Time
	version      uint64
	versionEpoch string
}

type modelKey struct {
	pos  hub.Position
	ends time.Time
}

var _ hub.Engine = (*Model)(nil)

// NewModel is an empty store.
func NewModel(opts ModelOptions) *Model {
	if opts.Partitions == 0 {
		opts.Partitions = hub.DefaultPartitions
	}
	if opts.LogSize == 0 {
		opts.LogSize = 1000
	}
	if opts.LogAge == 0 {
		opts.LogAge = 7 * 24 * time.Hour
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Model{
		opts: opts, epoch: "model", closed: make(chan struct{}), changed: make(chan struct{}),
		channels: map[hub.Channel]*modelChannel{}, commands: map[[2]string]modelAnswer{},
		heads: map[int]uint64{}, floors: map[int]uint64{}, cursors: map[string]hub.Cursors{},
		timers: map[[2]string]*modelTimer{}, plain: map[hub.Channel]*modelPlain{}, keys: map[[2]string]modelKey{},
		followed: map[hub.Channel]bool{},
	}
}

// enter takes the lock, unless ctx has ended or the engine is closed.
func (m *Model) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	select {
	case <-m.closed:
		m.mu.Unlock()
		return hub.ErrClosed
	default:
		return nil
	}
}

func (m *Model) tellChanged() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *Model) channel(name hub.Channel) *modelChannel {
	if c := m.channels[name]; c != nil {
		return c
	}
	return &modelChannel{entries: map[string]hub.Entry{}}
}

// Load implements [hub.Engine].
func (m *Model) Load(ctx context.Context, name hub.Channel) (hub.Snapshot, error) {
	if err := m.enter(ctx); err != nil {
		return hub.Snapshot{}, err
	}
	defer m.mu.Unlock()
	c := m.channel(name)
	return hub.Snapshot{Channel: name, Position: m.at(c, c.offset), Entries: maps.Clone(c.entries)}, nil
}

func (m *Model) at(c *modelChannel, offset uint64) hub.Position {
	return hub.Position{Epoch: cmp.Or(c.epoch, m.epoch), Offset: offset}
}

// Erase implements [hub.Engine].
func (m *Model) Erase(ctx context.Context, name hub.Channel, before uint64) (hub.Position, error) {
	if err := m.enter(ctx); err != nil {
		return hub.Position{}, err
	}
	defer m.mu.Unlock()
	c := m.channel(name)
	before = min(before, c.offset+1)
	erased := false
	for i, r := range m.records {
		if r.Message.Channel != name {
			continue
		}
		old := r.Message
		e := old.Event
		if old.Position.Offset < before && !sameEvent(e, e.Husk()) {
			e, erased = e.Husk(), true
		}
		m.records[i].Message = &hub.Message{Channel: name, Type: old.Type, Position: old.Position, Event: e, Time: old.Time}
	}
	for len(c.log) > 0 && c.log[0].Position.Offset < before {
		c.log, erased = c.log[1:], true
	}
	for id, a := range m.commands {
		if id[0] == string(name) && a.offset < before && a.Problem != nil {
			a.Problem = hub.ErasedProblem()
			m.commands[id] = a
		}
	}
	if !erased {
		return m.at(c, c.offset), nil
	}
	m.erasures++
	c.epoch = fmt.Sprintf("%s-%d", m.epoch, m.erasures)
	for i, message := range c.log {
		made := *message
		made.Position.Epoch = c.epoch
		c.log[i] = &made
	}
	for i, r := range m.records {
		if r.Message.Channel == name {
			m.records[i].Message.Position.Epoch = c.epoch
		}
	}
	m.tellChanged()
	return m.at(c, c.offset), nil
}

// Commit implements [hub.Engine].
func (m *Model) Commit(ctx context.Context, in *hub.Commit) (hub.Result, error) {
	if err := m.enter(ctx); err != nil {
		return hub.Result{}, err
	}
	defer m.mu.Unlock()
	if in.Event == nil && len(in.Entries) > 0 {
		return hub.Result{}, errors.New("model: entries cannot change without an event")
	}
	c := m.channel(in.Channel)

	id := [2]string{string(in.Channel), in.Command.ID}
	if known, ok := m.commands[id]; ok && in.Command.ID != "" && in.Now.Before(known.Expires) {
		if known.Hash != in.Command.Hash {
			return hub.Result{}, hub.ErrCommandIDReused
		}
		r := hub.Result{Position: m.at(c, known.offset), Problem: known.Problem, Replayed: true}
		for _, message := range c.log {
			if known.made && message.Position.Offset == known.offset {
				r.Event = copyEvent(message.Event, known.offset)
			}
		}
		return r, nil
	}
	if in.Epoch != "" && in.Epoch != m.at(c, 0).Epoch {
		return hub.Result{}, hub.ErrConflict
	}
	if in.Offset != nil && *in.Offset != c.offset {
		return hub.Result{}, hub.ErrConflict
	}
	for key, version := range in.Expect {
		if c.entries[key].Version != version {
			return hub.Result{}, hub.ErrConflict
		}
	}

	r := hub.Result{Position: m.at(c, c.offset)}
	if in.Event != nil {
		m.channels[in.Channel] = c
		c.offset++
		r.Position = m.at(c, c.offset)
		r.Event = copyEvent(in.Event, c.offset)
		for key, doc := range in.Entries {
			if doc == nil {
				delete(c.entries, key)
			} else {
				c.entries[key] = hub.Entry{Version: c.offset, Doc: doc}
			}
		}
		m.append(c, &hub.Message{
			Channel: in.Channel, Type: hub.MessageEvent, Position: r.Position,
			Event: copyEvent(in.Event, c.offset), Time: in.Now.UnixMilli(),
		})
	}
	for _, t := range in.Timers {
		name := [2]string{string(in.Channel), t.Key}
		delete(m.timers, name)
		if !t.Due.IsZero() {
			m.timers[name] = &modelTimer{Timer: hub.Timer{
				Channel: in.Channel, Key: t.Key, Due: t.Due.UTC().Truncate(time.Millisecond), Method: t.Method, Args: t.Args,
			}}
		}
	}
	if in.Command.ID != "" {
		m.commands[id] = modelAnswer{in.Command, r.Position.Offset, in.Event != nil}
	}
	m.tellChanged()
	return r, nil
}

func (m *Model) append(c *modelChannel, message *hub.Message) {
	c.log = append(c.log, message)
	for len(c.log) > m.opts.LogSize || c.log[0].Time+m.opts.LogAge.Milliseconds() <= message.Time {
		c.log = c.log[1:]
	}
	p := hub.Partition(message.Channel, m.opts.Partitions)
	m.heads[p]++
	m.records = append(m.records, hub.Record{Partition: p, Seq: m.heads[p], Message: message})
	if m.opts.RecordsSize > 0 && len(m.records) > m.opts.RecordsSize {
		m.floors[m.records[0].Partition] = m.records[0].Seq
		m.records = m.records[1:]
	}
	if m.followed[message.Channel] && m.listening {
		m.queue = append(m.queue, message)
	}
}

// copyEvent copies an event with the version of its changes, through JSON as a store would.
func copyEvent(e *hub.Event, version uint64) *hub.Event {
	raw, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	var made hub.Event
	if err := json.Unmarshal(raw, &made); err != nil {
		panic(err)
	}
	for i := range made.Changes {
		made.Changes[i].Version = version
	}
	return &made
}

// History implements [hub.Engine].
func (m *Model) History(ctx context.Context, name hub.Channel, q hub.HistoryQuery) (hub.History, error) {
	if err := m.enter(ctx); err != nil {
		return hub.History{}, err
	}
	defer m.mu.Unlock()
	h := hub.History{Position: m.head(name)}
	if q.Since != nil && q.Since.Epoch != "" && q.Since.Epoch != h.Position.Epoch {
		return h, hub.ErrEpoch
	}
	log := m.channel(name).log
	if !name.HasEntries() {
		log = m.keptPlain(name)
	}
	for _, message := range log {
		offset := message.Position.Offset
		if q.Since == nil || (q.Reverse && offset < q.Since.Offset) || (!q.Reverse && offset > q.Since.Offset) {
			h.Messages = append(h.Messages, message)
		}
	}
	if q.Reverse {
		slices.Reverse(h.Messages)
	}
	if q.Limit >= 0 && len(h.Messages) > q.Limit {
		h.Messages = h.Messages[:q.Limit]
	}
	return h, nil
}

func (m *Model) head(name hub.Channel) hub.Position {
	if name.HasEntries() {
		return m.at(m.channel(name), m.channel(name).offset)
	}
	return m.plainPosition(name)
}

// Heads implements [hub.Engine].
func (m *Model) Heads(ctx context.Context, names []hub.Channel) ([]hub.Position, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var heads []hub.Position
	for _, name := range names {
		heads = append(heads, m.head(name))
	}
	return heads, nil
}

// Channels implements [hub.Engine].
func (m *Model) Channels(ctx context.Context, prefix string) iter.Seq2[hub.Channel, error] {
	return func(yield func(hub.Channel, error) bool) {
		if err := m.enter(ctx); err != nil {
			yield("", err)
			return
		}
		names := slices.Collect(maps.Keys(m.channels))
		m.mu.Unlock()
		for _, name := range names {
			if strings.HasPrefix(string(name), prefix) && !yield(name, nil) {
				return
			}
		}
	}
}

// Partitions implements [hub.Engine].
func (m *Model) Partitions() int { return m.opts.Partitions }

// Check implements [hub.Engine].
func (m *Model) Check(ctx context.Context) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	m.mu.Unlock()
	return nil
}

// Close implements [hub.Engine].
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.closed:
	default:
		close(m.closed)
	}
	return nil
}

// sameEvent compares what was stored, byte for byte.
func sameEvent(a, b *hub.Event) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
