package sessions

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
)

type countingConn struct {
	net.Conn
	got    bytes.Buffer
	writes int
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes++
	return c.got.Write(p)
}

// undelta carries a delta out, as clients do.
func undelta(source, delta []byte) ([]byte, error) {
	number := func() (n uint64) {
		for len(delta) > 0 {
			d := strings.IndexByte(deltaDigits, delta[0])
			if d < 0 {
				return n
			}
			n, delta = n<<6|uint64(d), delta[1:]
		}
		return n
	}
	size := number()
	if delta[0] != '\n' {
		return nil, fmt.Errorf("no newline after the length")
	}
	delta = delta[1:]
	var target []byte
	for len(delta) > 0 {
		n := number()
		op := delta[0]
		delta = delta[1:]
		switch op {
		case ':':
			target, delta = append(target, delta[:n]...), delta[n:]
		case '@':
			from := number()
			if delta[0] != ',' {
				return nil, fmt.Errorf("no comma after a copy")
			}
			delta = delta[1:]
			target = append(target, source[from:from+n]...)
		case ';':
			if uint32(n) != deltaChecksum(target) || uint64(len(target)) != size {
				return nil, fmt.Errorf("checksum or length is wrong")
			}
			return target, nil
		default:
			return nil, fmt.Errorf("unknown operation %q", op)
		}
	}
	return nil, fmt.Errorf("no end")
}

func TestADeltaMakesTheTarget(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		source := make([]byte, random.IntN(400))
		for i := range source {
			source[i] = "abcd"[random.IntN(4)]
		}
		target := bytes.Clone(source)
		for range random.IntN(4) {
			at := random.IntN(len(target) + 1)
			switch random.IntN(3) {
			case 0:
				target = append(target[:at:at], append([]byte("INSERTED"), target[at:]...)...)
			case 1:
				target = target[:at]
			case 2:
				target = append(target[at:len(target):len(target)], target[:at]...)
			}
		}
		delta := makeDelta(source, target)
		if delta == nil {
			continue
		}
		got, err := undelta(source, delta)
		if err != nil || !bytes.Equal(got, target) {
			t.Fatalf("source %q target %q delta %q: %v", source, target, delta, err)
		}
		if len(delta) >= len(target) {
			t.Fatalf("delta of %d bytes for a target of %d", len(delta), len(target))
		}
	}
	if d := makeDelta([]byte(strings.Repeat("x", 500)+"1"), []byte(strings.Repeat("x", 500)+"2")); len(d) > 30 {
		t.Fatalf("a small change makes a delta of %d bytes", len(d))
	}
}
