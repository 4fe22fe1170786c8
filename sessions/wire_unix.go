//go:build unix

package sessions

import (
	"net"
	"syscall"
)

// rawOf gives access to the socket of a connection that is nothing but a
// socket; nil for all others (TLS), which do not tell theirs.
func rawOf(conn net.Conn) syscall.RawConn {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// arrived is asked first before waiting, and again when there is something to
// read. It has to read, not to look: what came before it was asked would
// otherwise wake nobody.
func (w *wire) arrived(fd uintptr) bool {
	if w.woken {
		return true
	}
	w.woken = true
	for {
		n, err := syscall.Read(int(fd), w.peek[:])
		if n > 0 {
			w.head = w.peek[:n]
		}
		if err != syscall.EINTR {
			return err != syscall.EAGAIN
		}
	}
}

// attempt is a write that does not wait. It is kept and used again, so that
// trying costs no memory.
type attempt struct {
	bytes []byte
	n     int
	err   error
	run   func(fd uintptr) bool
}

func newAttempt() *attempt {
	a := &attempt{}
	a.run = a.once
	return a
}

func (a *attempt) once(fd uintptr) bool {
	for {
		a.n, a.err = syscall.Write(int(fd), a.bytes)
		if a.err != syscall.EINTR {
			return true
		}
	}
}

// write writes what the socket takes at once: nothing, if it takes nothing.
func (a *attempt) write(raw syscall.RawConn, b []byte) (int, error) {
	a.bytes, a.n, a.err = b, 0, nil
	err := raw.Write(a.run)
	a.bytes = nil
	switch {
	case err != nil:
		return 0, err
	case a.err == syscall.EAGAIN:
		return 0, nil
	case a.err != nil:
		return 0, a.err
	}
	return a.n, nil
}
