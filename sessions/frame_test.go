package sessions

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/centrifugal/protocol"
)

func TestFramesOfSeveralCommands(t *testing.T) {
	for name, c := range map[string]struct {
		encoding protocol.Type
		frame    string
		ids      string
		fails    bool
	}{
		"one":                          {protocol.TypeJSON, `{"id":1}`, "1", false},
		"several":                      {protocol.TypeJSON, "{\"id\":1}\n{\"id\":2}", "1 2", false},
		"a newline at the end":         {protocol.TypeJSON, "{\"id\":1}\n", "1", false},
		"fields nobody knows":          {protocol.TypeJSON, `{"id":1,"new":{"a":[1]}}`, "1", false},
		"a list":                       {protocol.TypeJSON, `[]`, "", true},
		"two values in a line":         {protocol.TypeJSON, `{"id":1}{"id":2}`, "", true},
		"an empty line between":        {protocol.TypeJSON, "{\"id\":1}\n\n{\"id\":2}", "", true},
		"too many":                     {protocol.TypeJSON, strings.Repeat("{\"id\":1}\n", 5), "", true},
		"an id that is too large":      {protocol.TypeJSON, `{"id":4294967296}`, "", true},
		"nested deeply":                {protocol.TypeJSON, `{"id":1,"x":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`, "1", false},
		"one in Protobuf":              {protocol.TypeProtobuf, "\x02\x08\x01", "1", false},
		"several in Protobuf":          {protocol.TypeProtobuf, "\x02\x08\x01\x02\x08\x02", "1 2", false},
		"a pong in Protobuf":           {protocol.TypeProtobuf, "\x00", "0", false},
		"a length without its message": {protocol.TypeProtobuf, "\x02\x08\x01\x02", "", true},
		"half a length":                {protocol.TypeProtobuf, "\x02\x08\x01\x80", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			commands, err := decodeFrame(c.encoding, []byte(c.frame), 4)
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			var ids []string
			for _, c := range commands {
				ids = append(ids, fmt.Sprint(c.Id))
			}
			if got := strings.Join(ids, " "); got != c.ids {
				t.Fatalf("ids %q, want %q", got, c.ids)
			}
		})
	}
}

func FuzzFrames(f *testing.F) {
	for _, s := range []string{
		"{}", "{\"id\":1,\"connect\":{\"token\":\"x\",\"subs\":{\"a\":{\"offset\":1}}}}\n{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"recover\":true}}",
		`{"id":3,"rpc":{"method":"m","data":{"on":"context:c"}}}`, `{"id":1,"publish":{"channel":"a","data":"\u00fc"}}`, "[]", "\n", "{",
	} {
		f.Add(false, []byte(s))
	}
	for _, s := range []string{"\x00", "\x02\x08\x01", "\x08\x08\x02\x2a\x04\x0a\x02ab", "\xff\xff\xff\xff\x0f", "\x05\x08\x01\x22\x7f"} {
		f.Add(true, []byte(s))
	}
	f.Fuzz(func(t *testing.T, binary bool, frame []byte) {
		encoding := protocol.TypeJSON
		if binary {
			encoding = protocol.TypeProtobuf
		}
		before := bytes.Clone(frame)
		commands, err := decodeFrame(encoding, frame, 100)
		if !bytes.Equal(before, frame) {
			t.Fatal("the frame was changed")
		}
		if err != nil {
			return
		}
		if len(commands) == 0 || len(commands) > 100 {
			t.Fatalf("%d commands", len(commands))
		}
		for _, c := range commands {
			newTask(c).channel()
			isEmpty(c)
		}
	})
}

func TestAFrameReachesTheWireInOneWrite(t *testing.T) {
	// What the library writes piece by piece is put together again; see wire.
	for _, size := range []int{0, 1, 5, 13, 14, 100, 125, 126, 1000, 65_535, 65_536, 200_000} {
		payload := bytes.Repeat([]byte("x"), size)
		frame := header(size)
		frame = append(frame, payload...)
		c := &countingConn{}
		w := &wire{Conn: c}
		for at := 0; at < len(frame); {
			n := min(len(frame)-at, libraryBuffer)
			if at > 0 {
				n = len(frame) - at
			}
			if _, err := w.Write(frame[at : at+n]); err != nil {
				t.Fatal(err)
			}
			at += n
		}
		if !bytes.Equal(c.got.Bytes(), frame) {
			t.Fatalf("%d bytes: the wire got something else", size)
		}
		if c.writes != 1 {
			t.Fatalf("%d bytes: %d writes", size, c.writes)
		}
	}
}

func header(size int) []byte {
	switch {
	case size < 126:
		return []byte{0x81, byte(size)}
	case size < 1<<16:
		return []byte{0x81, 126, byte(size >> 8), byte(size)}
	default:
		return []byte{0x81, 127, 0, 0, 0, 0, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}
	}
}
