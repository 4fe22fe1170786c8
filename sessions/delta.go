package sessions

import (
	"slices"
	"unicode/utf8"

	"github.com/centrifugal/protocol"
	"github.com/centrifugal/protocol/cfjson"

	"github.com/samepage/samepage/hub"
)

// A delta tells how to make a payload out of the one before, in the format of
// Fossil:
//
//	6Y\n            length of the target
//	1b@0,           copy 1b bytes of the source from offset 0
//	5:{"b":         insert the 5 bytes that follow
//	2xYz5~;         checksum of the target
//
// Numbers are in base 64 with digits 0-9 A-Z _ a-z ~.

// deltaBlock is the shortest run of bytes that is looked for in the source.
const deltaBlock = 16

const deltaDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"

// makeDelta is the delta from source to target; nil if it would not be shorter than target.
func makeDelta(source, target []byte) []byte {
	blocks := make(map[[deltaBlock]byte]int, len(source)/deltaBlock)
	for at := 0; at+deltaBlock <= len(source); at += deltaBlock {
		if block := [deltaBlock]byte(source[at : at+deltaBlock]); true {
			if _, ok := blocks[block]; !ok {
				blocks[block] = at
			}
		}
	}
	delta := append(appendDeltaNumber(make([]byte, 0, len(target)), uint64(len(target))), '\n')
	insert := func(b []byte) {
		if len(b) > 0 {
			delta = append(append(appendDeltaNumber(delta, uint64(len(b))), ':'), b...)
		}
	}
	done := 0 // of the target
	for at := 0; at+deltaBlock <= len(target); {
		from, ok := blocks[[deltaBlock]byte(target[at:at+deltaBlock])]
		if !ok {
			at++
			continue
		}
		for at > done && from > 0 && target[at-1] == source[from-1] {
			at, from = at-1, from-1
		}
		size := deltaBlock
		for at+size < len(target) && from+size < len(source) && target[at+size] == source[from+size] {
			size++
		}
		insert(target[done:at])
		delta = append(appendDeltaNumber(delta, uint64(size)), '@')
		delta = append(appendDeltaNumber(delta, uint64(from)), ',')
		at += size
		done = at
	}
	insert(target[done:])
	delta = append(appendDeltaNumber(delta, uint64(deltaChecksum(target))), ';')
	if len(delta) >= len(target) {
		return nil
	}
	return delta
}

func appendDeltaNumber(b []byte, n uint64) []byte {
	start := len(b)
	for {
		b = append(b, deltaDigits[n&63])
		if n >>= 6; n == 0 {
			break
		}
	}
	slices.Reverse(b[start:])
	return b
}

// deltaChecksum is the sum of all big-endian words of four bytes, the last one filled up with zeros.
func deltaChecksum(b []byte) (sum uint32) {
	for i, c := range b {
		sum += uint32(c) << (8 * (3 - i%4))
	}
	return sum
}

// deltaPublication is pub for a subscriber who asked for deltas: against base,
// the payload that this subscriber got before; nil: whole.
func deltaPublication(t protocol.Type, pub *protocol.Publication, base []byte) *protocol.Publication {
	p := &protocol.Publication{Data: pub.Data, Info: pub.Info, Offset: pub.Offset, Tags: pub.Tags, Epoch: pub.Epoch}
	if base != nil {
		// In JSON a delta is a string: one that cuts through a character cannot be sent.
		if delta := makeDelta(base, pub.Data); delta != nil && (t != protocol.TypeJSON || utf8.Valid(delta)) {
			p.Data, p.Delta = delta, true
		}
	}
	if t == protocol.TypeJSON {
		p.Data = cfjson.AppendString(nil, string(p.Data))
	}
	return p
}

// allowsDelta reports whether subscribers of a plain channel may ask for deltas.
func allowsDelta(o hub.ChannelOptions) bool { return slices.Contains(o.AllowedDeltaTypes, "fossil") }
