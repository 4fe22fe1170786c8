package bolt

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/samepage/samepage/hub"
)

// format is the layout that doc.go draws. A file of a greater one is refused.
const format = 1

var (
	metaFormat     = []byte("format")
	metaPartitions = []byte("partitions")
	metaEpoch      = []byte("epoch")
	metaChecked    = []byte("checked")
)

// mapped is how much address space a store begins with, so that it seldom has
// to be mapped anew: for that all reads have to pause.
const mapped = 1 << 30

// Open opens the store at path, or makes it. The file belongs to this engine
// until Close: another process that opens it is told so. Errors say what is
// wrong with the file and what to do.
func Open(path string, opts Options) (*Engine, error) {
	opts = opts.withDefaults()
	_, statErr := os.Stat(path)
	db, err := openFile(path, opts)
	if err != nil {
		if info, e := os.Stat(path); errors.Is(statErr, fs.ErrNotExist) && e == nil && info.Mode().IsRegular() && !errors.Is(err, berrors.ErrTimeout) {
			_ = os.Remove(path) // what a full disk left of a store that never was
		}
		return nil, fmt.Errorf("bolt: open store %s: %w", path, explain(err))
	}
	e := &Engine{
		opts: opts, db: db, seed: maphash.MakeSeed(),
		queue: make(chan *op, 1024), closing: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := e.recognise(); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("bolt: open store %s: %w", path, err)
	}
	start := newEpoch()
	for i := range e.stripes {
		e.stripes[i].plain = hub.NewPlain(start)
	}
	e.out.init()
	e.workers.Go(e.write)
	e.workers.Go(e.dispatch)
	e.workers.Go(e.sweep)
	return e, nil
}

// openFile also survives a file that is cut off: reading what is mapped
// beyond its end is a fault of memory, not an error.
func openFile(path string, opts Options) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", berrors.ErrInvalid, r)
		}
	}()
	return bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: opts.LockTimeout, FreelistType: bbolt.FreelistMapType, InitialMmapSize: mapped, NoStatistics: true,
	})
}

func explain(err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return errors.New("it is in use by another process; stop that one, or give this one a file of its own")
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum),
		strings.Contains(err.Error(), "file size too small"):
		return fmt.Errorf("it is not a Samepage store, or it is damaged (%w); give another file, or put back a copy of the store", err)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; let this user write to it and to its directory, or give another file", err)
	}
	return err
}

// recognise checks that the file is ours and of this layout, and lays out an empty one.
func (e *Engine) recognise() error {
	empty := false
	err := e.db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil || meta.Get(metaFormat) == nil {
			if k, _ := tx.Cursor().First(); k != nil {
				return errors.New("it is a bbolt file of another program; give another file")
			}
			empty = true
			return nil
		}
		return e.recogniseMeta(meta)
	})
	if err == nil && empty {
		err = e.layOut()
	}
	if err != nil {
		return err
	}
	return e.db.View(func(tx *bbolt.Tx) (err error) {
		for _, name := range buckets {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("it is damaged: %s is missing; put back a copy of the store", name)
			}
		}
		first, _ := tx.Bucket(bucketPlain).Cursor().First()
		e.durable.Store(first != nil)
		e.counters, err = readCounters(tx, e)
		return err
	})
}

func (e *Engine) recogniseMeta(meta *bbolt.Bucket) error {
	n, err := strconv.Atoi(string(meta.Get(metaFormat)))
	switch {
	case err != nil:
		return fmt.Errorf("its format reads %q; put back a copy of the store", meta.Get(metaFormat))
	case n > format:
		return fmt.Errorf("it is of format %d and this program knows up to %d; use the newer Samepage that wrote it", n, format)
	}
	if e.partitions, err = strconv.Atoi(string(meta.Get(metaPartitions))); err != nil || e.partitions < 1 {
		return fmt.Errorf("its number of partitions reads %q; put back a copy of the store", meta.Get(metaPartitions))
	}
	if want := e.opts.Partitions; want > 0 && want != e.partitions {
		return fmt.Errorf("it is laid out with %d partitions, not %d, and the number never changes; configure %d, or give another file",
			e.partitions, want, e.partitions)
	}
	e.epoch = string(meta.Get(metaEpoch))
	k, _ := meta.Cursor().Seek(epochKey(""))
	e.erased.Store(bytes.HasPrefix(k, epochKey("")))
	return nil
}

func (e *Engine) layOut() error {
	e.partitions, e.epoch = e.opts.partitionsAtFirst(), newEpoch()
	err := e.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketMeta)
		return errors.Join(
			tx.Bucket(bucketCheckpoints).Put(uint64Key(0), appendCheckpoint(nil, make([]uint64, e.partitions))),
			meta.Put(metaPartitions, []byte(strconv.Itoa(e.partitions))),
			meta.Put(metaEpoch, []byte(e.epoch)),
			meta.Put(metaFormat, []byte(strconv.Itoa(format))),
		)
	})
	if err != nil {
		return fmt.Errorf("lay it out: %w", err)
	}
	return nil
}

// newEpoch is a word of 40 random bits.
func newEpoch() string { return strings.ToLower(rand.Text()[:8]) }

// partition is hub.Partition without its allocation.
func (e *Engine) partition(name hub.Channel) int {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return int(h % uint32(e.partitions))
}
