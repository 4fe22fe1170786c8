package bolt

import (
	"sync"

	"github.com/samepage/samepage/hub"
)

// recentSize is how many records stay decoded in memory.
const recentSize = 1024

// recent holds the newest records, so that consumers who keep up neither read
// the file nor decode what was just encoded. It is filled when records are
// durable, before consumers are woken.
type recent struct {
	mu   sync.Mutex
	last uint64 // the newest record; 0: nothing since the start
	size uint64 // how many there are up to it
	ring [recentSize]hub.Record
}

// add takes the records that end with last, oldest first.
func (c *recent) add(last uint64, records []hub.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := uint64(len(records)); c.last != 0 && c.last+n != last {
		c.size = 0 // some became durable in a transaction that was given up
	}
	for i, r := range records {
		c.ring[(last-uint64(len(records)-1-i))%recentSize] = r
	}
	c.last, c.size = last, min(c.size+uint64(len(records)), recentSize)
}

// read adds records for r, from r.next on. It is false if the file must be read.
func (c *recent) read(r *reader) (more, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == 0 || r.next == 0 || r.next+c.size <= c.last {
		return false, false
	}
	for ; r.next <= c.last; r.next++ {
		if len(r.records) == chunk {
			return true, true
		}
		record := c.ring[r.next%recentSize]
		if cursor, asked := r.cursors[record.Partition]; asked && record.Seq > cursor {
			r.cursors[record.Partition] = record.Seq
			r.records = append(r.records, record)
		}
	}
	return false, true
}
