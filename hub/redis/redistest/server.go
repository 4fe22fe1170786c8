// Package redistest starts real Redis servers for tests, on free loopback
// ports and in the test's own directory, and ends them with the test.
package redistest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a redis-server process.
type Server struct {
	Port     int
	Password string // of the default user; "" for none

	t       testing.TB
	dir     string
	args    []string
	conf    string // of a Sentinel
	process *exec.Cmd
	exited  chan struct{}
}

// patience is how long a server may take to do what it must.
const patience = 30 * time.Second

// Start runs a server that keeps nothing on disk; args are further options,
// such as "--appendonly", "yes", or "--requirepass", "secret". A test is
// skipped where there is no redis-server.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	s := &Server{t: t, dir: t.TempDir(), args: args, Password: option(args, "--requirepass")}
	for try := 0; ; try++ {
		s.Port = freePort(t)
		if s.start() {
			break
		}
		if try == 5 {
			t.Fatalf("redis-server does not start:\n%s", s.Log())
		}
	}
	t.Cleanup(s.Kill)
	return s
}

// Addr is host:port.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.Port) }

// URL is the address as an engine takes it.
func (s *Server) URL() string { return "redis://" + credentials(s.Password) + s.Addr() }

func credentials(password string) string {
	if password == "" {
		return ""
	}
	return ":" + password + "@"
}

// option is the value of one of a server's options.
func option(args []string, name string) string {
	if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// start runs the process and reports whether it answers.
func (s *Server) start() bool {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	args := append([]string{
		"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no",
		"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
	}, s.args...)
	if s.conf != "" {
		args = []string{s.conf, "--sentinel", "--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.dir}
	}
	s.process = exec.Command("redis-server", args...)
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	exited := make(chan struct{})
	s.exited = exited
	process := s.process
	go func() {
		_ = process.Wait()
		close(exited)
	}()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		select {
		case <-s.exited:
			return false
		default:
		}
		if reply, err := s.try("PING"); err == nil && reply == "+PONG" {
			return true
		}
	}
	s.Kill()
	return false
}

// Kill ends the process with -9, as a power cut would.
func (s *Server) Kill() {
	_ = s.process.Process.Signal(syscall.SIGCONT)
	_ = s.process.Process.Kill()
	<-s.exited
}

// Restart starts a killed server again, on the same port and directory.
func (s *Server) Restart() {
	s.t.Helper()
	for range 20 {
		if s.start() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("redis-server does not start again:\n%s", s.Log())
}

// Pause stops the process until Resume: connections stay and nobody answers.
func (s *Server) Pause() { _ = s.process.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (s *Server) Resume() { _ = s.process.Process.Signal(syscall.SIGCONT) }

// Log is what the server wrote.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(b)
}

// Do runs a command and returns the first line of its reply, for bulk strings their content.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	reply, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	if strings.HasPrefix(reply, "-") {
		s.t.Fatalf("%s: %s", strings.Join(args, " "), reply)
	}
	return reply
}

// Info is one field of INFO.
func (s *Server) Info(field string) string {
	s.t.Helper()
	for line := range strings.Lines(s.Do("INFO", "everything")) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), field+":"); ok {
			return value
		}
	}
	return ""
}

// WaitFor waits until cond holds.
func (s *Server) WaitFor(what string, cond func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("never: %s", what)
		}
	}
}

func (s *Server) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	r := bufio.NewReader(conn)
	if s.Password != "" {
		if err := write(conn, "AUTH", s.Password); err != nil {
			return "", err
		}
		if reply, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(reply, "+") {
			return reply, err
		}
	}
	if err := write(conn, args...); err != nil {
		return "", err
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if size, ok := strings.CutPrefix(line, "$"); ok {
		n, err := strconv.Atoi(size)
		if err != nil || n < 0 {
			return "", err
		}
		bulk := make([]byte, n)
		for read := 0; read < n; {
			m, err := r.Read(bulk[read:])
			if err != nil {
				return "", err
			}
			read += m
		}
		return string(bulk), nil
	}
	return line, nil
}

// write sends one command.
func write(conn net.Conn, args ...string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	_, err := conn.Write([]byte(b.String()))
	return err
}

// freePort is a port that nobody uses now; the next also, for a cluster's bus.
func freePort(t testing.TB) int {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if port < 50_000 {
			return port
		}
	}
	t.Fatal("no free port below 50000") // a cluster's bus listens 10000 above
	return 0
}
