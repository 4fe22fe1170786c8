package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// The generator shares the machine with the servers it measures, so its own
// half of the WebSocket protocol is as little as RFC 6455 allows: no
// extensions, no fragments on the way out, a mask of zeros, one goroutine and
// one buffer a socket.

const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// maxFrame is the longest frame that is read.
const maxFrame = 4 << 20

var errClosed = errors.New("bench: the server closed the connection")

// upgrade opens a WebSocket.
func upgrade(ctx context.Context, address string) (net.Conn, *bufio.Reader, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: dial: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	_, err = fmt.Fprintf(conn, "GET /connection/websocket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2FtZXBhZ2UgYmVuY2ggIQ==\r\n\r\n", address)
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("bench: upgrade: %w", err)
	}
	in := bufio.NewReaderSize(conn, 2<<10)
	for line := 0; ; line++ {
		text, err := in.ReadString('\n')
		switch {
		case err != nil:
		case line == 0 && !strings.HasPrefix(text, fmt.Sprintf("HTTP/1.1 %d", http.StatusSwitchingProtocols)):
			err = fmt.Errorf("the server answered %s", strings.TrimSpace(text))
		case text == "\r\n":
			return conn, in, nil
		}
		if err != nil {
			conn.Close()
			return nil, nil, fmt.Errorf("bench: upgrade: %w", err)
		}
	}
}

// appendFrame appends a frame as clients send it.
func appendFrame(b []byte, op byte, payload []byte) []byte {
	b = append(b, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// readFrame reads a frame, into buffer if there is room and it is not all in the reader's own.
func readFrame(in *bufio.Reader, buffer []byte) (op byte, payload []byte, err error) {
	head, err := in.Peek(2)
	if err != nil {
		return 0, nil, err
	}
	op, n, skip := head[0]&0x0f, uint64(head[1]&0x7f), 2
	switch n {
	case 126:
		if head, err = in.Peek(4); err != nil {
			return 0, nil, err
		}
		n, skip = uint64(binary.BigEndian.Uint16(head[2:])), 4
	case 127:
		if head, err = in.Peek(10); err != nil {
			return 0, nil, err
		}
		n, skip = binary.BigEndian.Uint64(head[2:]), 10
	}
	if n > maxFrame {
		return 0, nil, fmt.Errorf("bench: a frame of %d bytes", n)
	}
	if _, err = in.Discard(skip); err != nil {
		return 0, nil, err
	}
	if int(n) <= in.Size() {
		if payload, err = in.Peek(int(n)); err == nil {
			_, err = in.Discard(int(n)) // what was peeked stays until the next read
		}
		return op, payload, err
	}
	if cap(buffer) < int(n) {
		buffer = make([]byte, n)
	}
	payload = buffer[:n]
	for at := 0; at < len(payload); {
		k, err := in.Read(payload[at:])
		if err != nil {
			return 0, nil, err
		}
		at += k
	}
	return op, payload, nil
}
