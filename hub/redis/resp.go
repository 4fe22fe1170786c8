package redis

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// A connection that listens speaks the few words of the protocol (RESP2) that
// subscribing needs, itself: so one connection to a master holds topics of all
// its slots, subscribes to them in batches, and is never moved elsewhere by
// the driver.

// maxBulk bounds one string that is read.
const maxBulk = 512 << 20

var errProtocol = errors.New("unexpected bytes from the server")

// serverError is an error the server answered.
type serverError string

func (e serverError) Error() string { return string(e) }

// RedisError marks it as the driver's are.
func (serverError) RedisError() {}

// appendCommand writes a command with its arguments.
func appendCommand(b []byte, args ...string) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(args)), 10)
	b = append(b, '\r', '\n')
	for _, a := range args {
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(len(a)), 10)
		b = append(b, '\r', '\n')
		b = append(b, a...)
		b = append(b, '\r', '\n')
	}
	return b
}

// push is one thing that comes in: of three parts, or a plain reply of one.
type push struct {
	kind    string // subscribe, message, …; "" for a plain reply
	topic   string
	payload []byte // of a message; belongs to the receiver
	text    string // of a plain reply
}

// readPush reads the next thing. An error the server sent is a serverError.
func readPush(r *bufio.Reader) (push, error) {
	kind, n, line, err := readHeader(r)
	if err != nil {
		return push{}, err
	}
	switch kind {
	case '+', ':':
		return push{text: line}, nil
	case '$':
		b, err := readBulk(r, n)
		return push{text: string(b)}, err
	case '*', '>':
	default:
		return push{}, errProtocol
	}
	if n < 1 || n > 4 {
		return push{}, errProtocol
	}
	var parts [4][]byte
	for i := range n {
		kind, size, line, err := readHeader(r)
		if err != nil {
			return push{}, err
		}
		switch kind {
		case '$':
			if parts[i], err = readBulk(r, size); err != nil {
				return push{}, err
			}
		case ':', '+':
			parts[i] = []byte(line)
		default:
			return push{}, errProtocol
		}
	}
	return push{kind: string(parts[0]), topic: string(parts[1]), payload: parts[2]}, nil
}

func readHeader(r *bufio.Reader) (kind byte, n int, line string, err error) {
	b, err := r.ReadSlice('\n')
	if err != nil {
		return 0, 0, "", err
	}
	if len(b) < 3 || b[len(b)-2] != '\r' {
		return 0, 0, "", errProtocol
	}
	kind, b = b[0], b[1:len(b)-2]
	switch kind {
	case '-':
		return 0, 0, "", serverError(b)
	case '$', '*', '>':
		if n, err = strconv.Atoi(string(b)); err != nil || n < -1 || n > maxBulk {
			return 0, 0, "", fmt.Errorf("%w: a length of %q", errProtocol, b)
		}
		return kind, n, "", nil
	}
	return kind, 0, string(b), nil
}

func readBulk(r *bufio.Reader, n int) ([]byte, error) {
	if n < 0 {
		return nil, nil
	}
	b := make([]byte, 0, min(n+2, 64<<10)) // what is only announced costs nothing
	for len(b) < n+2 {
		at := len(b)
		b = append(b, make([]byte, min(n+2-at, max(at, 64<<10)))...)
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return nil, err
		}
	}
	if b[n] != '\r' || b[n+1] != '\n' {
		return nil, errProtocol
	}
	return b[:n:n], nil
}
