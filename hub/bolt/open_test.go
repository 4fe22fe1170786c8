package bolt_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
)

func open(t *testing.T, path string, opts bolt.Options) *bolt.Engine {
	t.Helper()
	e, err := bolt.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestOpenSaysWhatIsWrongWithAFile(t *testing.T) {
	write := func(data []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	store := func(t *testing.T, path string) {
		e := open(t, path, bolt.Options{Partitions: 16})
		for n := range uint64(50) {
			if _, err := e.Commit(t.Context(), line(n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		opts bolt.Options
		want []string
	}{
		"a text file":         {make: write([]byte("hello")), want: []string{"not a Samepage store", "another file"}},
		"a long text file":    {make: write([]byte(strings.Repeat("hello ", 100_000))), want: []string{"not a Samepage store"}},
		"another partitions":  {make: store, opts: bolt.Options{Partitions: 32}, want: []string{"16 partitions, not 32", "configure 16"}},
		"a missing directory": {make: func(t *testing.T, path string) { os.Remove(filepath.Dir(path)) }, want: []string{"no such file or directory"}},
		"a directory":         {make: func(t *testing.T, path string) { os.Mkdir(path, 0o700) }, want: []string{"directory"}},
		"a newer format": {make: func(t *testing.T, path string) {
			store(t, path)
			if err := bolt.SetMeta(path, "format", "2"); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"format 2", "up to 1", "newer Samepage"}},
		"a bbolt file of another program": {make: func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("widgets"))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"another program", "another file"}},
		"a store that is cut off": {make: func(t *testing.T, path string) {
			store(t, path)
			if err := os.Truncate(path, 3*4096); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"damaged", "copy"}},
		"in use": {make: func(t *testing.T, path string) { open(t, path, bolt.Options{}) },
			opts: bolt.Options{LockTimeout: 50 * time.Millisecond}, want: []string{"in use by another process", "stop that one"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dir")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "store.db")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			e, err := bolt.Open(path, c.opts)
			if err == nil {
				e.Close()
				t.Fatal("opened")
			}
			for _, want := range append(c.want, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			t.Log(err)
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestAStoreKeepsItsEpochAndPartitions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	e := open(t, path, bolt.Options{Partitions: 7})
	res, err := e.Commit(t.Context(), line(1))
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Position.Epoch) != 8 {
		t.Errorf("epoch %q", res.Position.Epoch)
	}
	e.Close()
	e = open(t, path, bolt.Options{})
	if e.Partitions() != 7 {
		t.Errorf("%d partitions", e.Partitions())
	}
	heads, err := e.Heads(t.Context(), []hub.Channel{"context:c-1", "context:new"})
	if err != nil || heads[0] != res.Position || heads[1].Epoch != res.Position.Epoch {
		t.Errorf("%v, %v; want %v", heads, err, res.Position)
	}
	for n := range 1000 {
		name := hub.Channel(fmt.Sprintf("context:ü%d", n))
		if got, want := bolt.PartitionOf(e, name), hub.Partition(name, 7); got != want {
			t.Fatalf("partition of %s: %d, want %d", name, got, want)
		}
	}
}
