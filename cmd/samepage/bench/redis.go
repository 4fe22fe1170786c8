package bench

import (
	"context"
	"fmt"
	"net"
	"os/exec"
)

// startRedis starts a Redis server of the machine's own on a free port of
// loopback. It keeps what it has in memory.
func startRedis(ctx context.Context) (*running, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("bench: rows with Redis need redis-server: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("bench: a port for Redis: %w", err)
	}
	r, err := Server{
		Name: "redis-server", Path: path, Ready: "Ready to accept connections",
		Args: []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"},
	}.start(ctx)
	if err == nil {
		r.address = net.JoinHostPort("127.0.0.1", port)
	}
	return r, err
}

// freePort is a port of loopback that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
