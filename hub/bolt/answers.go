package bolt

import (
	"bytes"
	"encoding/binary"
)

// remember keeps an answer until it expires.
func (b *batch) remember(key []byte, a answer) error {
	if err := b.put(b.commands, key, a.append(make([]byte, 0, 49+len(a.rest)))); err != nil {
		return err
	}
	return b.put(b.expiry, expiryKey(a.expires, key), nil)
}

// answered looks an answer up; one that has expired is not known.
func (b *batch) answered(key []byte, now uint64) (answer, bool, error) {
	v := b.commands.Get(key)
	if v == nil {
		return answer{}, false, nil
	}
	a, err := parseAnswer(v)
	if err != nil {
		return answer{}, false, fault{err}
	}
	return a, now < a.expires, nil
}

func expiryKey(expires uint64, key []byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(key)), expires), key...)
}

// forgetExpired removes up to limit answers and publications whose time is over.
func (b *batch) forgetExpired(now uint64, limit int) error {
	var ended [][]byte
	c := b.expiry.Cursor()
	for k, _ := c.First(); k != nil && len(ended) < limit && beUint64(k) <= now; k, _ = c.Next() {
		ended = append(ended, bytes.Clone(k))
	}
	for _, k := range ended {
		if err := b.delete(b.expiry, k); err != nil {
			return err
		}
		from, row := b.commands, k[8:]
		if row[0] == expiresPlain {
			from, row = b.plain, row[1:]
		}
		// What was written anew under the same key lives on under its own time.
		if v := from.Get(row); len(v) >= 8 && beUint64(v) <= now {
			if err := b.delete(from, row); err != nil {
				return err
			}
		}
	}
	return nil
}
