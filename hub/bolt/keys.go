package bolt

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/samepage/samepage/hub"
)

// The buckets of the file; doc.go draws what is in them.
var (
	bucketMeta        = []byte("meta")
	bucketChannels    = []byte("channels")
	bucketLog         = []byte("log")
	bucketCheckpoints = []byte("checkpoints")
	bucketCommands    = []byte("commands")
	bucketExpiry      = []byte("expiry")
	bucketCursors     = []byte("cursors")
	bucketTimers      = []byte("timers")
	bucketDue         = []byte("due")
	bucketPlain       = []byte("plain")

	buckets = [][]byte{bucketMeta, bucketChannels, bucketLog, bucketCheckpoints, bucketCommands, bucketExpiry,
		bucketCursors, bucketTimers, bucketDue, bucketPlain}
)

// The parts of a channel, in the order in which they lie: the newest row of
// its log is beside its head, and the head beside its entries, so that a
// commit mostly touches one leaf of the tree.
const (
	partLog   = 1
	partHead  = 2
	partEntry = 3
)

// What a row of the commands bucket is for, and what one of the expiry bucket leads to.
const (
	answerCommand = 'c'
	answerPublish = 'p'
	expiresPlain  = 'h' // a row of the plain bucket
)

func appendPart(b []byte, name hub.Channel, part byte) []byte {
	b = append(b, name...)
	return append(b, 0, part)
}

func appendLogKey(b []byte, name hub.Channel, offset uint64) []byte {
	return binary.BigEndian.AppendUint64(appendPart(b, name, partLog), offset)
}

func uint64Key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func beUint64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

func answerKey(kind byte, id string, name hub.Channel) []byte {
	b := make([]byte, 0, 2+len(id)+len(name))
	b = append(b, kind)
	b = append(b, id...)
	b = append(b, 0)
	return append(b, name...)
}

func millis(t time.Time) uint64 {
	if ms := t.UnixMilli(); ms > 0 {
		return uint64(ms)
	}
	return 0
}

func fromMillis(ms uint64) time.Time { return time.UnixMilli(int64(ms)).UTC() }

// head is where a channel stands.
type head struct {
	offset uint64 // of its last event
	first  uint64 // the oldest offset its log still shows; offset+1 if none
	stored uint64 // the oldest offset whose row is still there; at most first
}

func (h head) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, h.offset)
	b = binary.BigEndian.AppendUint64(b, h.first)
	return binary.BigEndian.AppendUint64(b, h.stored)
}

func parseHead(b []byte) head {
	if len(b) < 24 {
		return head{first: 1, stored: 1}
	}
	return head{beUint64(b), beUint64(b[8:]), beUint64(b[16:])}
}

// record is one event in the log of records.
type record struct {
	at      uint64 // Unix milliseconds
	seq     uint64 // in its partition
	offset  uint64 // in its channel
	channel hub.Channel
	event   []byte // JSON, its changes' versions all 0: they are the offset
}

func (r record) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, r.at)
	b = binary.BigEndian.AppendUint64(b, r.seq)
	b = binary.BigEndian.AppendUint64(b, r.offset)
	b = append(b, byte(len(r.channel)))
	b = append(b, r.channel...)
	return append(b, r.event...)
}

// parseRecord's event is still the store's memory.
func parseRecord(b []byte) (record, error) {
	if len(b) < 25 || len(b) < 25+int(b[24]) {
		return record{}, fmt.Errorf("a record of %d bytes is cut off", len(b))
	}
	n := 25 + int(b[24])
	return record{beUint64(b), beUint64(b[8:]), beUint64(b[16:]), hub.Channel(b[25:n]), b[n:]}, nil
}

// answer is what is remembered of a command, or of a publication's idempotency key.
type answer struct {
	expires uint64 // Unix milliseconds
	hash    [32]byte
	offset  uint64
	made    bool   // it made the event at offset
	rest    []byte // the problem; for a publication the epoch
}

func (a answer) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, a.expires)
	b = append(b, a.hash[:]...)
	b = binary.BigEndian.AppendUint64(b, a.offset)
	if a.made {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return append(b, a.rest...)
}

func parseAnswer(b []byte) (answer, error) {
	if len(b) < 49 {
		return answer{}, fmt.Errorf("an answer of %d bytes is cut off", len(b))
	}
	return answer{beUint64(b), [32]byte(b[8:40]), beUint64(b[40:]), b[48] == 1, b[49:]}, nil
}
