package bench

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Server is a program to measure. It prints a line with Ready and then its
// HOST:PORT when it is ready, and ends on SIGTERM.
type Server struct {
	Name  string
	Path  string
	Args  []string
	Ready string // defaults to "listening on http://"
}

// running is a server's process.
type running struct {
	address string
	cmd     *exec.Cmd
	ended   chan struct{}
}

const startTimeout = 20 * time.Second

func (s Server) start(ctx context.Context) (*running, error) {
	cmd := exec.CommandContext(ctx, s.Path, s.Args...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: start %s: %w", s.Name, err)
	}
	r := &running{cmd: cmd, ended: make(chan struct{})}
	address := make(chan string, 1)
	go func() {
		defer close(r.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, at, ok := strings.Cut(lines.Text(), cmp.Or(s.Ready, "listening on http://")); ok {
				address <- strings.TrimSpace(at)
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}()
	select {
	case r.address = <-address:
		return r, nil
	case <-r.ended:
		return nil, fmt.Errorf("bench: %s ended before it listened", s.Name)
	case <-time.After(startTimeout):
		r.stop()
		return nil, fmt.Errorf("bench: %s does not listen", s.Name)
	}
}

func (r *running) stop() {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(15 * time.Second):
		_ = r.cmd.Process.Kill()
		<-r.ended
	}
}

// Program says how the nth node of a hub is started, on a Redis server's
// address or, if it is empty, on a store of its own.
type Program func(node int, redis string) Server

// Measure starts what the row asks for, runs its load, and stops it all.
func (row Row) Measure(ctx context.Context, program Program) (Result, error) {
	l := row.Load
	l.Addresses, l.Pids, l.Store = nil, nil, 0
	redis := ""
	if row.Redis {
		store, err := startRedis(ctx)
		if err != nil {
			return Result{}, err
		}
		defer store.stop()
		redis, l.Store = store.address, store.cmd.Process.Pid
	}
	for n := range row.Nodes {
		r, err := program(n, redis).start(ctx)
		if err != nil {
			return Result{}, err
		}
		defer r.stop()
		l.Addresses = append(l.Addresses, r.address)
		l.Pids = append(l.Pids, r.cmd.Process.Pid)
	}
	return l.Run(ctx)
}
