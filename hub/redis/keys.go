package redis

import (
	"strconv"

	"github.com/samepage/samepage/hub"
)

// slots is how many hash slots a cluster has.
const slots = 16384

// keys names everything in the store. All keys of a partition share a hash
// tag; doc.go draws them.
type keys struct {
	prefix string   // of keys
	topics string   // of pub/sub, which knows no databases
	tags   []string // partition -> hash tag
}

func newKeys(prefix string, db, partitions int) keys {
	k := keys{prefix: prefix, topics: prefix, tags: make([]string, partitions)}
	if db != 0 {
		k.topics = prefix + "@" + strconv.Itoa(db)
	}
	for p := range k.tags {
		k.tags[p] = tag(p, partitions)
	}
	return k
}

// tag is the hash tag of a partition: its number and the first suffix that
// puts it into the partition's own, equal share of the slots. So whatever
// contiguous ranges the masters of a cluster hold, they hold as many
// partitions as slots.
func tag(partition, partitions int) string {
	from, to := partition*slots/partitions, (partition+1)*slots/partitions
	for n := 0; ; n++ {
		t := strconv.Itoa(partition)
		if n > 0 {
			t += "." + strconv.FormatInt(int64(n), 36)
		}
		if s := slot(t); s >= from && (s < to || from == to) {
			return t
		}
	}
}

// slot is the hash slot of a tag: CRC16 (XMODEM), as Redis Cluster specifies it.
func slot(tag string) int {
	var crc uint16
	for i := range len(tag) {
		crc ^= uint16(tag[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % slots)
}

func (k keys) layout() string { return k.prefix + ":layout" }

func (k keys) of(partition int, what string) string {
	return k.prefix + ":{" + k.tags[partition] + "}:" + what
}

func (k keys) topic(partition int, what string) string {
	return k.topics + ":{" + k.tags[partition] + "}:" + what
}

func (k keys) partition(name hub.Channel) int { return hub.Partition(name, len(k.tags)) }

// What a partition has one of each.
const (
	keyPartition = "partition" // hash: epoch, run, seq, base, forgot, epochs of erased channels
	keyRecords   = "records"   // stream: the partition's log
	keyNames     = "names"     // set: its channels with entries
	keyTimers    = "timers"    // hash: channel and key -> timer
	keyDue       = "due"       // zset: channel and key by due time, or by the claim's end
	keyForget    = "forget"    // zset: plain channels by when their position is forgotten
	keyCursors   = "cursors"   // hash: consumer -> seq
	keyLeases    = "leases"    // hash: role -> fence and node
	keyRewrite   = "rewrite"   // stream: what is to replace another, within one step
	keyCheck     = "check"     // string: written by Check
	keyMembers   = "members:"  // zset: the nodes that share a role, which follows, by until when; of partition 0
)

// What a channel has one of each; the channel's name follows.
const (
	keyHead    = "head:"    // string: the last offset; of a channel with entries
	keyEntries = "entry:"   // hash: key -> version and document
	keyLog     = "log:"     // stream: its events or publications, by offset
	keyPlain   = "plain:"   // hash: the position of a plain channel
	keyRefused = "refused:" // zset: the remembered commands that were refused
	keyCommand = "id:"      // string: a remembered command; a space and its id follow
	keyAnswer  = "key:"     // string: an idempotency key's position; a space and the key follow
)

// Topics of pub/sub.
const (
	topicChannel = "on:"     // a channel's messages; its name follows
	topicRecords = "records" // the partition's next record
	topicControl = "control" // between nodes; of partition 0
	topicProbe   = "probe:"  // to itself; the node's name follows
)
