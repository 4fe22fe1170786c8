package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
)

func cursorKey(consumer string, partition int) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(consumer), 0), uint32(partition))
}

// Cursors implements [hub.Engine].
func (e *Engine) Cursors(ctx context.Context, consumer string) (hub.Cursors, error) {
	cursors := make(hub.Cursors, e.partitions)
	for p := range e.partitions {
		cursors[p] = 0
	}
	err := e.view(ctx, func(tx *bbolt.Tx) error {
		prefix := append([]byte(consumer), 0)
		c := tx.Bucket(bucketCursors).Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if len(k) == len(prefix)+4 && len(v) == 8 {
				cursors[int(binary.BigEndian.Uint32(k[len(prefix):]))] = beUint64(v)
			}
		}
		return nil
	})
	return cursors, err
}

// SaveCursors implements [hub.Engine].
func (e *Engine) SaveCursors(ctx context.Context, consumer string, cursors hub.Cursors) error {
	for p := range cursors {
		if p < 0 || p >= e.partitions {
			return fmt.Errorf("bolt: no partition %d of %d", p, e.partitions)
		}
	}
	return e.do(ctx, &op{run: func(b *batch) error {
		for p, seq := range cursors {
			key := cursorKey(consumer, p)
			if v := b.cursors.Get(key); seq == 0 || len(v) == 8 && beUint64(v) >= seq {
				continue
			}
			if err := b.put(b.cursors, key, uint64Key(seq)); err != nil {
				return err
			}
		}
		return nil
	}})
}

// ResetCursors implements [hub.Engine].
func (e *Engine) ResetCursors(ctx context.Context, consumer string) error {
	return e.do(ctx, &op{run: func(b *batch) error {
		for p := range e.partitions {
			if key := cursorKey(consumer, p); b.cursors.Get(key) != nil {
				if err := b.delete(b.cursors, key); err != nil {
					return err
				}
			}
		}
		return nil
	}})
}
