//go:build linux

package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
)

// Tests that need a process of their own run this binary again as a child.
const childEnv = "SAMEPAGE_BOLT_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "":
		os.Exit(m.Run())
	case "commit":
		commitUntilKilled(os.Args[len(os.Args)-2], os.Args[len(os.Args)-1])
	case "limit":
		writeUnderALimit(os.Args[len(os.Args)-1])
	}
}

func child(t *testing.T, what string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	cmd.Stderr = t.Output()
	return cmd
}

const crashChannels = 5

func numbered(round string, worker, n int) *hub.Commit {
	c := line(uint64(worker))
	c.Channel = hub.Channel(fmt.Sprintf("context:c-%d", (worker+n)%crashChannels))
	c.Command.ID = fmt.Sprintf("%s/%d/%d", round, worker, n)
	c.Event.Cause = c.Command.ID
	return c
}

// commitUntilKilled prints "ID CHANNEL OFFSET" for each commit that was acknowledged.
func commitUntilKilled(path, round string) {
	e, err := bolt.Open(path, bolt.Options{SweepEvery: 5 * time.Millisecond, RecordsStep: 16})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	for worker := range 16 {
		go func() {
			for n := 0; ; n++ {
				c := numbered(round, worker, n)
				name, id := c.Channel, c.Command.ID
				res, err := e.Commit(context.Background(), c)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Printf("%s %s %d\n", id, name, res.Position.Offset)
				mu.Unlock()
			}
		}()
	}
	select {}
}

func TestWhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	type place struct {
		name   hub.Channel
		offset uint64
	}
	acknowledged := map[string]place{}
	for round := range 6 {
		cmd := child(t, "commit", path, fmt.Sprint(round))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		kill := 150 + 131*round // in the middle of whatever it is doing then
		for n := 0; lines.Scan(); n++ {
			id, rest, _ := strings.Cut(lines.Text(), " ")
			var p place
			if _, err := fmt.Sscan(rest, &p.name, &p.offset); err != nil {
				continue // the line the kill cut off
			}
			acknowledged[id] = p
			if n == kill {
				if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()

		e, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		times, causes := map[string]int{}, map[place]string{}
		total := 0
		for n := range crashChannels {
			name := hub.Channel(fmt.Sprintf("context:c-%d", n))
			h, err := e.History(t.Context(), name, hub.HistoryQuery{Limit: -1})
			if err != nil {
				t.Fatal(err)
			}
			if uint64(len(h.Messages)) != min(h.Position.Offset, 1000) {
				t.Fatalf("%d events of %s up to %d", len(h.Messages), name, h.Position.Offset)
			}
			for i, m := range h.Messages {
				if want := h.Position.Offset - uint64(len(h.Messages)-1-i); m.Position.Offset != want {
					t.Fatalf("offset %d of %s where %d was to be", m.Position.Offset, name, want)
				}
				times[m.Event.Cause]++
				causes[place{name, m.Position.Offset}] = m.Event.Cause
			}
			s, err := e.Load(t.Context(), name)
			if err != nil || s.Position != h.Position || s.Entries["cart/ca1"].Version != h.Position.Offset {
				t.Fatalf("loaded %v, the log ends at %v (%v)", s, h.Position, err)
			}
			total += int(h.Position.Offset)
		}
		for id, n := range times {
			if n != 1 {
				t.Fatalf("command %s is there %d times", id, n)
			}
		}
		for id, p := range acknowledged {
			if causes[p] != id {
				t.Fatalf("command %s was acknowledged at %v, where %q is", id, p, causes[p])
			}
		}
		seqs := map[int]uint64{}
		after := hub.Cursors{}
		for n := range crashChannels {
			after[hub.Partition(hub.Channel(fmt.Sprintf("context:c-%d", n)), e.Partitions())] = 0
		}
		read := 0
		for r, err := range e.Log(t.Context(), after) {
			if err != nil || r.Seq != seqs[r.Partition]+1 {
				t.Fatalf("record %d of partition %d after %d: %v", r.Seq, r.Partition, seqs[r.Partition], err)
			}
			seqs[r.Partition] = r.Seq
			if read++; read == total {
				break
			}
		}
		// Sent again, an acknowledged command is answered, not run.
		for id, p := range acknowledged {
			var r string
			var worker, n int
			if _, err := fmt.Sscanf(strings.ReplaceAll(id, "/", " "), "%s %d %d", &r, &worker, &n); err != nil {
				t.Fatal(err)
			}
			res, err := e.Commit(t.Context(), numbered(r, worker, n))
			if err != nil || !res.Replayed || res.Position.Offset != p.offset || res.Event == nil {
				t.Fatalf("sent again: %+v, %v", res, err)
			}
			break
		}
		t.Logf("round %d: %d acknowledged so far, %d events", round, len(acknowledged), total)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
