package hub

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"iter"
	"time"
)

// DefaultPartitions is how many partitions a new store is laid out with.
const DefaultPartitions = 256

// Errors of an engine. Everything else an engine returns is a fault of its
// store and reaches callers as unavailable.
var (
	// ErrConflict: an expected version moved; load anew and decide again.
	ErrConflict = errors.New("hub: a version moved")
	// ErrCommandIDReused: the command id is known with another hash.
	ErrCommandIDReused = errors.New("hub: command id reused with another body")
	// ErrEpoch: the position asked for is of another epoch.
	ErrEpoch = errors.New("hub: position of another epoch")
	// ErrTrimmed: the log no longer reaches back to the cursor.
	ErrTrimmed = errors.New("hub: log trimmed beyond the cursor")
	// ErrCorrupt: what is stored of a channel cannot be read. Another try gets no further, and
	// other channels are well.
	ErrCorrupt = errors.New("corrupt")
	// ErrUnavailable: the store cannot take or give anything just now.
	ErrUnavailable = errors.New("hub: store unavailable")
	// ErrUnknownChannel: no plain channel can have that name.
	ErrUnknownChannel = errors.New("hub: unknown channel")
	// ErrFormat: the data are not of the format that the plain channel's namespace asks for.
	ErrFormat = errors.New("hub: data of another format")
	// ErrClosed: the engine is closed.
	ErrClosed = errors.New("hub: engine closed")
)

// Engine keeps channels: their entries, logs, command ids, timers and
// consumers' cursors, and carries what is new to whoever listens. hub/bolt and
// hub/redis are the two; hub/enginetest holds the suite that says, sentence by
// sentence, what follows.
//
// All methods may be called concurrently. They return after ctx ends, with its
// error. Slices and maps given or returned belong to the receiver of the call
// or of the result; documents' bytes are never changed by anybody.
//
// A channel nobody wrote to exists at offset 0 of an epoch that stays the same
// until it is written to, and afterwards.
type Engine interface {
	// Load returns the entries of a channel and the position they stand at, as of one instant.
	Load(ctx context.Context, name Channel) (Snapshot, error)

	// Commit stores all of c or nothing, durably, and answers after that. See [Commit].
	Commit(ctx context.Context, c *Commit) (Result, error)

	// History returns a part of a channel's log, oldest first unless q.Reverse. It works alike
	// on channels with entries (events) and plain ones (publications).
	History(ctx context.Context, name Channel, q HistoryQuery) (History, error)

	// Heads returns the position at which each channel's log ends, in the order asked.
	Heads(ctx context.Context, names []Channel) ([]Position, error)

	// Channels yields the channels with entries whose name starts with prefix, in no order.
	Channels(ctx context.Context, prefix string) iter.Seq2[Channel, error]

	// Erase ends the past of a channel with entries: what its log tells of offsets before this one
	// is forgotten for good. Entries, versions and the offset stay; the epoch is a new one, so that
	// nobody goes on from what they knew. Records of forgotten events stay in Log by their number,
	// and tell no more than type, time and role. Commands that were answered with them are known
	// by their ids; refusals that were remembered say gone. If nothing is there to forget, nothing
	// happens. It returns the position at which the log ends.
	Erase(ctx context.Context, name Channel, before uint64) (Position, error)

	// Publish takes a publication of a plain channel: stores it in its history as opts says, and
	// sends it to all listeners. With an idempotency key that is known (and not expired) nothing
	// happens and the earlier position comes back.
	Publish(ctx context.Context, m *Message, opts PublishOptions) (Position, error)

	// RemoveHistory forgets a plain channel's publications. Its position stays.
	RemoveHistory(ctx context.Context, name Channel) error

	// Send carries a message that is not stored (signal, join, leave, control) to all listeners
	// of all nodes, this one included; at most once.
	Send(ctx context.Context, m *Message) error

	// Listen calls deliver for every message of every followed channel, and every control
	// message, until ctx ends. Calls for one channel come one at a time and in offset order;
	// calls for different channels may be concurrent. deliver does not block. An engine has one
	// listener.
	Listen(ctx context.Context, deliver func(*Message)) error

	// Follow makes messages of these channels come in: everything accepted after it returns is
	// delivered, unless the way there loses it (the hub notices and repairs).
	Follow(ctx context.Context, names ...Channel) error

	// Unfollow ends that. It does not block.
	Unfollow(names ...Channel)

	// Log yields the records of the partitions named by after, each from behind its cursor, in
	// order within a partition, then waits for more, until ctx ends or the loop breaks. A cursor
	// the log no longer reaches yields ErrTrimmed for that partition once and goes on behind
	// what was trimmed. So does a record that is not readable, with an error that says which.
	Log(ctx context.Context, after Cursors) iter.Seq2[Record, error]

	// Cursors returns the stored cursors of a consumer: one for every partition, 0 where none was saved.
	Cursors(ctx context.Context, consumer string) (Cursors, error)

	// SaveCursors stores cursors; a cursor never moves back.
	SaveCursors(ctx context.Context, consumer string, cursors Cursors) error

	// ResetCursors forgets a consumer's cursors: it starts from zero.
	ResetCursors(ctx context.Context, consumer string) error

	// Due claims up to limit timers that are due at now: each stays claimed, invisible to other
	// callers, for lease, and comes back after that unless a commit cleared or moved it.
	Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Timer, error)

	// ClearTimer forgets a timer if it still has this due time.
	ClearTimer(ctx context.Context, t Timer) error

	// Partitions is the number of partitions of the store.
	Partitions() int

	// Check stores and reads back something small. Its error says why commands cannot be taken.
	Check(ctx context.Context) error

	// Close ends everything under way and releases the store.
	Close() error
}

// Commit is one atomic step of one channel.
//
//  1. If Command.ID is known (and not expired): nothing is stored, and the answer is the
//     remembered one; ErrCommandIDReused if its hash differs.
//  2. If a version in Expect, the Offset or the Epoch moved: nothing is stored, ErrConflict.
//  3. Otherwise Event (if any) gets the next offset, which becomes the version of all its changes;
//     Entries, Timers and the command's id, hash and answer are stored with it.
//  4. Then, and only when it is durable, the event is delivered to listeners.
type Commit struct {
	Channel Channel
	Now     time.Time // the hub's clock: retention and expiry count from it

	Command Remembered        // ID "" where no command stands behind the commit
	Expect  map[string]uint64 // key -> version that was read; 0: the entry was absent
	Epoch   string            // of the state it was decided on, where the versions mean something; "": not looked at
	Offset  *uint64           // the whole channel must still stand at this offset

	Event   *Event                     // nil: only the answer is remembered. Changes' versions are filled in by the engine, in a copy
	Entries map[string]json.RawMessage // the changed keys' new documents; nil: gone
	Timers  []TimerChange
}

// Remembered is what is kept of a command so that it has one effect.
type Remembered struct {
	ID      string
	Hash    [32]byte
	Expires time.Time
	Problem json.RawMessage // the refusal; nil where the command was accepted
}

// Result is what became of a commit.
type Result struct {
	Position Position        // the log's end where the command was answered; the event's position if it made one
	Event    *Event          // as stored, versions filled in; nil where none was made, or the log no longer holds it
	Problem  json.RawMessage // a replayed refusal
	Replayed bool            // the id was known: the above is what was answered then
}

// HistoryQuery asks for a part of a log.
type HistoryQuery struct {
	Since   *Position // only what is later (with Reverse: earlier) than this; ErrEpoch if of another epoch. Epoch "" is taken as the current one
	Limit   int       // 0: only the position; negative: no limit
	Reverse bool      // newest first
}

// History is a part of a log.
type History struct {
	Position Position // where the log ends
	Messages []*Message
}

// PublishOptions say how a publication is kept.
type PublishOptions struct {
	HistorySize    int           // 0: not kept
	HistoryTTL     time.Duration // how long a publication is kept
	HistoryMetaTTL time.Duration // how long the position is kept after the last publication; 0: for ever
	Durable        bool          // survive a restart
	IdempotencyKey string        // "" : none
	IdempotencyTTL time.Duration // how long the key is known
	Version        uint64        // with a version, an older or equal one is dropped
	VersionEpoch   string
}

// Cursors names partitions and how far each was read: the Seq of the last record handled.
type Cursors map[int]uint64

// Record is one event in a partition's log. Seq rises by one with every record of the partition.
type Record struct {
	Partition int
	Seq       uint64
	Message   *Message // a MessageEvent
}

// Timer is a command to run when its time has come. Channel and Key name it.
type Timer struct {
	Channel Channel
	Key     string
	Due     time.Time
	Method  string
	Args    json.RawMessage
}

// TimerChange sets (replaces) or clears a timer of the commit's channel.
type TimerChange struct {
	Key    string
	Due    time.Time // zero: cleared
	Method string
	Args   json.RawMessage
}

// Partition is the partition of a channel: FNV-1a of its name, modulo the number of partitions.
func Partition(name Channel, partitions int) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int(h.Sum32() % uint32(partitions))
}
