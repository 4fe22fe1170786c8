package redis

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/samepage/samepage/hub"
)

// A message is stored and sent as
//
//	1 byte    type
//	uvarint   time, Unix milliseconds
//	uvarint   length of info, info as JSON
//	uvarint   number of tags; each: uvarint length, name, uvarint length, value
//	rest      the event as JSON, its changes' versions all 0: they are the offset; else the data
//
// and travels behind its position: "EPOCH OFFSET " and the above.

var errCutOff = errors.New("a message is cut off")

func encodeMessage(m *hub.Message) ([]byte, error) {
	data := m.Data
	if m.Type == hub.MessageEvent {
		var err error
		if data, err = json.Marshal(withVersions(m.Event, 0)); err != nil {
			return nil, fmt.Errorf("encode event: %w", err)
		}
	}
	var info []byte
	if m.Info != nil {
		var err error
		if info, err = json.Marshal(m.Info); err != nil {
			return nil, fmt.Errorf("encode client info: %w", err)
		}
	}
	b := make([]byte, 0, 24+len(info)+len(data)+32*len(m.Tags))
	b = append(b, byte(m.Type))
	b = binary.AppendUvarint(b, uint64(max(m.Time, 0)))
	b = appendBytes(b, info)
	b = binary.AppendUvarint(b, uint64(len(m.Tags)))
	for name, value := range m.Tags {
		b = appendBytes(b, name)
		b = appendBytes(b, value)
	}
	return append(b, data...), nil
}

func appendBytes[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decodeMessage reads what encodeMessage wrote; the message keeps b.
func decodeMessage(name hub.Channel, pos hub.Position, b []byte) (*hub.Message, error) {
	if len(b) == 0 {
		return nil, errCutOff
	}
	m := &hub.Message{Channel: name, Position: pos, Type: hub.MessageType(b[0])}
	r := reader{b: b[1:]}
	m.Time = int64(r.uvarint())
	info := r.bytes()
	if n := r.uvarint(); n > 0 && n <= uint64(len(r.b)) {
		m.Tags = make(map[string]string, n)
		for range n {
			name := string(r.bytes())
			m.Tags[name] = string(r.bytes())
		}
	}
	if r.bad {
		return nil, errCutOff
	}
	if len(info) > 0 {
		if err := json.Unmarshal(info, &m.Info); err != nil {
			return nil, fmt.Errorf("client info: %w", err)
		}
	}
	switch m.Type {
	case hub.MessageEvent:
		m.Event = &hub.Event{}
		if err := json.Unmarshal(r.b, m.Event); err != nil {
			return nil, fmt.Errorf("event: %w", err)
		}
		for i := range m.Event.Changes {
			m.Event.Changes[i].Version = pos.Offset
		}
	case hub.MessagePublication, hub.MessageSignal, hub.MessageJoin, hub.MessageLeave, hub.MessageControl:
		if len(r.b) > 0 {
			m.Data = r.b
		}
	default:
		return nil, fmt.Errorf("a message of an unknown type %d", m.Type)
	}
	return m, nil
}

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// withVersions copies an event, its changes at a version.
func withVersions(e *hub.Event, version uint64) *hub.Event {
	if e == nil {
		return nil
	}
	c := *e
	c.Changes = make([]hub.Change, len(e.Changes))
	for i, change := range e.Changes {
		change.Version = version
		c.Changes[i] = change
	}
	if len(c.Changes) == 0 {
		c.Changes = nil
	}
	return &c
}

// envelope is a message that is not stored, as it travels.
func envelope(payload []byte) []byte { return append([]byte(" 0 "), payload...) }

// openEnvelope splits what travelled.
func openEnvelope(b []byte) (hub.Position, []byte, error) {
	epoch, rest, ok := bytes.Cut(b, []byte{' '})
	offset, payload, ok2 := bytes.Cut(rest, []byte{' '})
	if !ok || !ok2 {
		return hub.Position{}, nil, errCutOff
	}
	n, err := strconv.ParseUint(string(offset), 10, 64)
	if err != nil {
		return hub.Position{}, nil, errCutOff
	}
	if n == 0 {
		return hub.Position{}, payload, nil
	}
	return hub.Position{Epoch: string(epoch), Offset: n}, payload, nil
}
