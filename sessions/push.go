package sessions

import (
	"sync"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// encode is a message as a group gets it, a payload as a delta to base if
// there is one; nil if it gets nothing of it.
func (t *topic) encode(g *group, m *hub.Message, base []byte) ([]byte, error) {
	e := envelopes.Get().(*envelope)
	defer e.free()
	e.push.Channel = string(t.name)
	switch m.Type {
	case hub.MessageJoin:
		e.push.Join = &protocol.Join{Info: infoOf(m.Info)}
	case hub.MessageLeave:
		e.push.Leave = &protocol.Leave{Info: infoOf(m.Info)}
	default:
		if !t.publish(g.audience, m, &e.pub) {
			return nil, nil
		}
		e.push.Pub = &e.pub
		if g.delta {
			e.push.Pub = deltaPublication(g.encoding, &e.pub, base)
		}
	}
	return encode(g.encoding, &e.reply)
}

// envelope is what a push is encoded from; it is used again.
type envelope struct {
	reply protocol.Reply
	push  protocol.Push
	pub   protocol.Publication
}

var envelopes = sync.Pool{New: func() any {
	e := &envelope{}
	e.reply.Push = &e.push
	return e
}}

func (e *envelope) free() {
	e.push, e.pub = protocol.Push{}, protocol.Publication{}
	envelopes.Put(e)
}

// publication is an event, a publication or a signal as an audience gets it, nil if it does not.
func (t *topic) publication(a hub.Audience, m *hub.Message) *protocol.Publication {
	pub := &protocol.Publication{}
	if !t.publish(a, m, pub) {
		return nil
	}
	return pub
}

// publish fills in the publication; false if the audience does not get it.
func (t *topic) publish(a hub.Audience, m *hub.Message, pub *protocol.Publication) bool {
	pub.Offset = m.Position.Offset
	switch m.Type {
	case hub.MessageEvent:
		seen := t.server.hub.Sights().Event(a, t.name, m.Event)
		if seen == nil {
			return false
		}
		pub.Data = EncodeEvent(seen)
	case hub.MessageSignal:
		pub.Data = SignalFor(a, m.Data)
		return pub.Data != nil
	case hub.MessagePublication:
		pub.Data, pub.Tags = m.Data, m.Tags
		if m.Position.Offset == 1 {
			pub.Epoch = m.Position.Epoch // of those who subscribed before there was one
		}
		if m.Info != nil {
			pub.Info = infoOf(m.Info)
		}
	default:
		return false
	}
	return true
}

func infoOf(i *hub.ClientInfo) *protocol.ClientInfo {
	if i == nil {
		i = &hub.ClientInfo{}
	}
	return &protocol.ClientInfo{
		User: i.User, Client: i.Client, ConnInfo: protocol.Raw(i.ConnInfo), ChanInfo: protocol.Raw(i.ChanInfo),
	}
}
