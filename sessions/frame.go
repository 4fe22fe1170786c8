package sessions

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/centrifugal/protocol"
	"github.com/centrifugal/protocol/cfjson"
)

// One frame carries one or more messages:
//
//	JSON      {"id":1,…}\n{"id":2,…}      a newline between, one at the end is allowed
//	Protobuf  len message len message      len: varint
//
// What the server writes is encoded once with its length (Protobuf) and may be
// shared by many sessions; only the joining happens for each.

var errEmptyFrame = errors.New("empty frame")

// isPong recognises the usual answer to a ping without decoding it.
func isPong(t protocol.Type, frame []byte) bool {
	if t == protocol.TypeJSON {
		return string(frame) == "{}"
	}
	return len(frame) == 1 && frame[0] == 0
}

// decodeFrame reads the commands of a frame, of which there are 1 to most.
// The commands' strings may share the frame's memory: it is theirs.
func decodeFrame(t protocol.Type, frame []byte, most int) ([]*protocol.Command, error) {
	next := nextJSON
	if t == protocol.TypeProtobuf {
		next = nextProtobuf
	}
	var commands []*protocol.Command
	for len(frame) > 0 {
		if len(commands) == most {
			return nil, fmt.Errorf("more than %d commands in a frame", most)
		}
		var c protocol.Command
		rest, err := next(frame, &c)
		if err != nil {
			return nil, err
		}
		commands, frame = append(commands, &c), rest
	}
	if len(commands) == 0 {
		return nil, errEmptyFrame
	}
	return commands, nil
}

func nextJSON(frame []byte, c *protocol.Command) (rest []byte, err error) {
	message, rest, _ := bytes.Cut(frame, []byte{'\n'})
	return rest, cfjson.Unmarshal(message, c, 0)
}

func nextProtobuf(frame []byte, c *protocol.Command) (rest []byte, err error) {
	size, n := binary.Uvarint(frame)
	if n <= 0 || size > uint64(len(frame)-n) {
		return nil, errors.New("a message's length does not fit its frame")
	}
	end := n + int(size)
	return frame[end:], c.UnmarshalCF(frame[n:end])
}

// encode writes one reply or push as it will stand in a frame.
func encode(t protocol.Type, r *protocol.Reply) ([]byte, error) {
	if t == protocol.TypeJSON {
		return protocol.DefaultJsonReplyEncoder.Encode(r)
	}
	size := r.SizeCF()
	var prefix [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(prefix[:], uint64(size))
	b := make([]byte, n+size)
	copy(b, prefix[:n])
	_, err := r.MarshalToSizedBufferCF(b[n:])
	return b, err
}

// ping is the same for everybody.
var (
	pingJSON     = []byte("{}")
	pingProtobuf = []byte{0}
)

func pingOf(t protocol.Type) []byte {
	if t == protocol.TypeJSON {
		return pingJSON
	}
	return pingProtobuf
}
