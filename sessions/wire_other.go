//go:build !unix

package sessions

import (
	"errors"
	"net"
	"syscall"
)

// Elsewhere nothing is tried: readers and writers wait in goroutines of their own.

func rawOf(net.Conn) syscall.RawConn { return nil }

func (w *wire) arrived(uintptr) bool { return true }

type attempt struct{}

func newAttempt() *attempt { return nil }

func (*attempt) write(syscall.RawConn, []byte) (int, error) { return 0, errors.ErrUnsupported }
