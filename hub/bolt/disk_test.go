//go:build linux

package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
)

// A disk that refuses writes is played in two ways: by the kernel, which lets
// a child process write no file beyond a size (RLIMIT_FSIZE), and by a tmpfs
// that is really full, where this process may mount one.

func TestADiskThatRefusesWritesTakesNothingAndHeals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	out, err := child(t, "limit", path).Output()
	if string(out) != "ok\n" || err != nil {
		t.Fatalf("the child: %v\n%s", err, out)
	}
	e := open(t, path, bolt.Options{}) // and the file is sound afterwards
	if err := e.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func writeUnderALimit(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was)
	limit := func(size uint64) error {
		now := was
		now.Cur = size
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now)
	}
	if err == nil {
		err = refuseAndHeal(path, true,
			func() error { return limit(1) },
			func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was) })
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

func TestAFullFileSystemTakesNothingAndHeals(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("a tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	fill := func() error {
		f, err := os.Create(ballast)
		if err != nil {
			return err
		}
		defer f.Close()
		for size := 1 << 20; size > 0; size /= 4 { // to the last page
			for err = nil; err == nil; {
				_, err = f.Write(make([]byte, size))
			}
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		return nil
	}
	free := func() error { return os.Remove(ballast) }

	if err := fill(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "store.db")
	if e, err := bolt.Open(path, bolt.Options{}); err == nil {
		e.Close()
		t.Fatal("opened a new store on a full disk")
	} else if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left a file behind: %v", err)
	}
	if err := free(); err != nil {
		t.Fatal(err)
	}
	if err := refuseAndHeal(path, false, fill, free); err != nil {
		t.Fatal(err)
	}
}

// refuseAndHeal runs a store through a disk that begins to refuse, all writes or those
// for which it has no room, and stops to.
func refuseAndHeal(path string, all bool, refuse, heal func() error) error {
	e, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return err
	}
	defer e.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var delivered atomic.Int64
	go e.Listen(ctx, func(m *hub.Message) {
		if m.Type != hub.MessageControl {
			delivered.Add(1)
		}
	})
	const name = hub.Channel("context:c-1")
	if err := e.Follow(ctx, name, "kept"); err != nil {
		return err
	}
	send := func(n uint64) (hub.Result, error) {
		c := line(n)
		c.Channel = name
		return e.Commit(ctx, c)
	}
	keep := hub.PublishOptions{HistorySize: 10, HistoryTTL: time.Hour, Durable: true}
	publish := func() (hub.Position, error) {
		return e.Publish(ctx, &hub.Message{Channel: "kept", Type: hub.MessagePublication, Data: []byte("x")}, keep)
	}
	var n, saved uint64
	for ; n < 100; n++ {
		if _, err := send(n); err != nil {
			return err
		}
	}
	for outage := range 3 {
		before, err := e.Load(ctx, name)
		if err != nil {
			return err
		}
		heads, err := e.Heads(ctx, []hub.Channel{"kept"})
		if err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond) // for what was delivered before
		heard := delivered.Load()
		if err := refuse(); err != nil {
			return fmt.Errorf("refuse: %w", err)
		}
		// What the file has free inside may still be taken; not for long.
		taken := uint64(0)
		for ; ; taken++ {
			if _, err = send(n); err != nil {
				break
			}
			if n++; taken > 20_000 {
				return errors.New("the disk never refused")
			}
		}
		// On a file system that is merely full, smaller writes may still find room.
		published, cursor := uint64(0), uint64(0)
		for what, try := range map[string]func() error{
			"publish": func() error {
				_, err := publish()
				if err == nil {
					published++
				}
				return err
			},
			"save cursors": func() error {
				err := e.SaveCursors(ctx, "board", hub.Cursors{1: uint64(outage + 1)})
				if err == nil {
					cursor = uint64(outage + 1)
				}
				return err
			},
			"check": func() error { return e.Check(ctx) },
		} {
			if err := try(); !errors.Is(err, hub.ErrUnavailable) && (all || err != nil) {
				return fmt.Errorf("%s on a disk that refuses: %w", what, err)
			}
		}
		if !errors.Is(err, hub.ErrUnavailable) {
			return fmt.Errorf("commit on a disk that refuses: %w", err)
		}
		after, err := e.Load(ctx, name)
		if err != nil || after.Position.Offset != before.Position.Offset+taken {
			return fmt.Errorf("loaded %v after %d of %v: %w", after.Position, taken, before.Position, err)
		}
		h, err := e.History(ctx, name, hub.HistoryQuery{Limit: 5})
		if err != nil || len(h.Messages) != 5 {
			return fmt.Errorf("history: %d messages, %w", len(h.Messages), err)
		}
		if pos, err := e.Publish(ctx, &hub.Message{Channel: "news", Type: hub.MessagePublication}, hub.PublishOptions{HistorySize: 1, HistoryTTL: time.Hour}); err != nil {
			return fmt.Errorf("publish in memory: %v, %w", pos, err)
		}
		time.Sleep(20 * time.Millisecond)
		if got := delivered.Load() - heard; got != int64(taken+published) {
			return fmt.Errorf("%d delivered, %d were taken", got, taken)
		}
		if err := heal(); err != nil {
			return fmt.Errorf("heal: %w", err)
		}
		// The same commands, sent again, are run now, for the first time.
		res, err := send(n)
		if err != nil || res.Replayed || res.Position.Offset != after.Position.Offset+1 {
			return fmt.Errorf("after it healed: %+v, %w", res, err)
		}
		n++
		if pos, err := publish(); err != nil || pos.Offset != heads[0].Offset+published+1 {
			return fmt.Errorf("publish after it healed: %v after %v, %w", pos, heads[0], err)
		}
		if err := e.Check(ctx); err != nil {
			return err
		}
		cursors, err := e.Cursors(ctx, "board")
		if err != nil || cursors[1] != max(cursor, saved) {
			return fmt.Errorf("cursor %d is stored, %d was: %w", cursors[1], max(cursor, saved), err)
		}
		saved = max(cursor, saved)
	}
	return nil
}
