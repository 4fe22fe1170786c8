package sessions

import (
	"bufio"
	"encoding/binary"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// What net/http and the WebSocket library keep for a connection is mostly two
// buffers of 4 KiB. An idle socket needs neither: what comes in is read into
// the buffer of whoever handles it, and frames are put together by whoever
// writes them.
//
//	websocket.Conn ── bufio.Reader, 16 bytes ── wire.Read ─── head, then net.Conn
//	               ── bufio.Writer, 16 bytes ── wire.Write ─┐ control frames
//	outbox ── frames of messages ── wire.try, wire.send ────┴─ one write each ── net.Conn

// libraryBuffer holds the whole header of a frame (at most 14 bytes), so that
// the first piece that reaches the wire says how long the frame is.
const libraryBuffer = 16

// wire is the connection below a WebSocket. Reads come from one goroutine at a
// time, whole frames from any.
type wire struct {
	net.Conn
	raw   syscall.RawConn // to try without waiting; nil where that is not possible
	ready func(fd uintptr) bool
	in    *bufio.Reader // what the library reads from
	head  []byte        // came in, and was not read yet
	peek  [16]byte
	woken bool

	reading sync.Mutex // held by those who read past the library
	left    bool       // guarded by reading: nobody does any more

	frame  []byte // what the library writes comes in pieces
	expect int    // bytes of it that have not come yet

	out sync.Mutex // held from the first byte of a frame to its last
}

// hijacker hands out a wire instead of the connection and its buffers.
type hijacker struct {
	http.ResponseWriter
	wire *wire
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w := &wire{Conn: conn}
	w.raw = rawOf(conn)
	if w.raw != nil {
		w.ready = w.arrived
	}
	if n := rw.Reader.Buffered(); n > 0 {
		w.head = make([]byte, n)
		if _, err := rw.Reader.Read(w.head); err != nil {
			conn.Close()
			return nil, nil, err
		}
	}
	w.in = bufio.NewReaderSize(w, libraryBuffer)
	h.wire = w
	return w, bufio.NewReadWriter(w.in, bufio.NewWriterSize(w, libraryBuffer)), nil
}

func (w *wire) Read(p []byte) (int, error) {
	if len(w.head) > 0 {
		n := copy(p, w.head)
		if w.head = w.head[n:]; len(w.head) == 0 {
			w.head = nil
		}
		return n, nil
	}
	return w.Conn.Read(p)
}

// wait returns when there is something to read, or the connection has ended.
// It uses little stack and no buffer: this is where idle sessions are.
func (w *wire) wait() {
	w.reading.Lock()
	defer w.reading.Unlock()
	if w.left || len(w.head) > 0 || w.in.Buffered() > 0 {
		return
	}
	w.woken = false
	_ = w.raw.Read(w.ready) // whoever reads next finds out
}

// fill reads what has come, as far as it fits the buffer, from which the
// library then takes it; keep must follow before the buffer is used again.
func (w *wire) fill(buffer []byte) {
	w.reading.Lock()
	defer w.reading.Unlock()
	if w.left || len(w.head) > 0 || w.in.Buffered() > 0 {
		return
	}
	if n, err := w.Conn.Read(buffer); err == nil {
		w.head = buffer[:n]
	}
}

// keep copies what the library left of the buffer. False: the library is at
// it, and the buffer is no longer the caller's.
func (w *wire) keep() bool {
	w.reading.Lock()
	defer w.reading.Unlock()
	if w.left {
		return false
	}
	if len(w.head) > 0 {
		w.head = append([]byte(nil), w.head...)
	}
	return true
}

// leave makes reading the library's alone, which reads while it closes.
func (w *wire) leave() {
	if w.raw == nil {
		return
	}
	_ = w.SetReadDeadline(time.Unix(1, 0)) // whoever waits comes back
	w.reading.Lock()
	defer w.reading.Unlock()
	w.left = true
	_ = w.SetReadDeadline(time.Time{})
}

// Write takes the pieces of a frame and passes them on as one.
func (w *wire) Write(p []byte) (int, error) {
	if w.expect == 0 {
		w.expect = frameSize(p)
	}
	w.frame = append(w.frame, p...)
	if w.expect -= min(len(p), w.expect); w.expect > 0 {
		return len(p), nil
	}
	frame := w.frame
	w.frame = nil
	if err := w.send(frame); err != nil {
		return 0, err
	}
	return len(p), nil
}

// send writes a frame, in one or more pieces. It may block.
func (w *wire) send(pieces ...[]byte) error {
	w.out.Lock()
	defer w.out.Unlock()
	for _, p := range pieces {
		if _, err := w.Conn.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// try writes as much of a frame as the connection takes at once. Unless that
// was all of it, finish must follow with the rest: begun says that no other
// frame can come between.
func (w *wire) try(a *attempt, frame []byte) (n int, begun bool, err error) {
	if !w.out.TryLock() { // the library is at it
		return 0, false, nil
	}
	n, err = a.write(w.raw, frame)
	begun = err == nil && n > 0 && n < len(frame)
	if !begun {
		w.out.Unlock()
	}
	return n, begun, err
}

// finish writes the rest of a frame. It may block.
func (w *wire) finish(rest []byte) error {
	defer w.out.Unlock()
	_, err := w.Conn.Write(rest)
	return err
}

// frameSize is the length of the unmasked frame that starts with p, header
// included; len(p) if p does not hold the header.
func frameSize(p []byte) int {
	if len(p) < 2 {
		return len(p)
	}
	switch n := int(p[1] & 0x7f); {
	case n == 126 && len(p) >= 4:
		return 4 + int(binary.BigEndian.Uint16(p[2:]))
	case n == 127 && len(p) >= 10:
		return 10 + int(binary.BigEndian.Uint64(p[2:]))
	case n < 126:
		return 2 + n
	}
	return len(p)
}

// appendHeader writes the header of an unmasked frame that is a message of its
// own: text or binary, and size bytes long.
func appendHeader(b []byte, binaryData bool, size int) []byte {
	first := byte(0x81)
	if binaryData {
		first = 0x82
	}
	switch {
	case size < 126:
		return append(b, first, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, first, 126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(b, first, 127), uint64(size))
}
