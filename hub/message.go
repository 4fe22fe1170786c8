package hub

import "encoding/json"

// MessageType says what a [Message] is.
type MessageType uint8

// The types of message that travel between hub and sessions.
const (
	MessageEvent       MessageType = iota + 1 // an event of a channel with entries
	MessagePublication                        // a publication of a plain channel
	MessageSignal                             // typing, viewing: never stored; Data is the signal as it goes over the wire
	MessageJoin                               // a member came; Info says who
	MessageLeave                              // a member went
	MessageControl                            // from node to node: Data is a control command; Channel is empty
)

// ClientInfo is what others may know of a connection.
type ClientInfo struct {
	Client   string          `json:"client"`              // the connection's id
	User     string          `json:"user"`                // the token's sub
	ConnInfo json.RawMessage `json:"conn_info,omitempty"` // the token's info
	ChanInfo json.RawMessage `json:"chan_info,omitempty"` // the subscription token's info
}

// Message is anything that reaches a channel's followers. It is shared by all
// of them and never changed once sent.
type Message struct {
	Channel  Channel
	Type     MessageType
	Position Position // offset 0: not stored, at most once

	Event *Event // of a MessageEvent, with labels: to be filtered before it is encoded

	Data []byte            // of the others; JSON, or any bytes on a plain channel used in binary
	Info *ClientInfo       // who published, joined or left
	Tags map[string]string // of a publication
	Time int64             // Unix milliseconds at which the engine took it
}
