package describe

import (
	"reflect"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/web"
)

// kinds says what the channels of each kind are, and who follows them.
var kinds = []struct{ Kind, Summary string }{
	{hub.KindContext, "One customer: profile, points, carts, orders, conversations."},
	{hub.KindStore, "One store: whether it takes orders, stock, reservations."},
	{hub.KindCatalog, "What is sold, and at what price."},
	{hub.KindBoard, "The open orders of one store. Derived."},
	{hub.KindQueue, "Conversations that wait for an agent. Derived."},
	{hub.KindDesk, "What one agent has. Derived."},
}

// AsyncAPI describes the socket as AsyncAPI 3.0, from the hub's side: it
// receives commands and sends events.
func (d *Description) AsyncAPI() ([]byte, error) {
	messages := object{
		"answer": object{
			"title": "Answer", "summary": "What a command came to: rpc.data of the reply.",
			"payload": object{"oneOf": []any{d.schemas.of(reflect.TypeFor[Answer]()), d.schemas.of(reflect.TypeFor[Refusal]())}},
		},
		"event": object{
			"title": "Event", "summary": "One change: pub.data of a publication. Its offset is pub.offset.",
			"payload": d.schemas.of(reflect.TypeFor[hub.Event]()), "examples": d.eventExamples(),
		},
		"snapshot": object{
			"title": "Snapshot", "summary": "The entries of a channel: data of the reply to subscribe.",
			"payload": object{"type": "object", "required": []string{"entries", "role"}, "properties": object{
				"entries": object{"type": "object", "additionalProperties": d.schemas.of(reflect.TypeFor[hub.Entry]())},
				"role":    object{"type": "string"},
			}},
		},
	}
	connection := object{"answer": message("answer")}
	operations := object{}
	for _, c := range d.Commands() {
		examples := []object{}
		for _, call := range c.wellFormed() {
			examples = append(examples, object{"payload": call.Request})
		}
		m := object{"name": c.Name, "title": c.Name, "summary": firstSentence(c.Summary), "payload": d.body(c)}
		if len(examples) > 0 {
			m["examples"] = examples
		}
		messages[c.Name] = m
		connection[c.Name] = message(c.Name)
		operations[c.Name] = object{
			"action": "receive", "channel": ref("#/channels/connection"), "summary": firstSentence(c.Summary),
			"description": c.Summary + " Sent as rpc with method " + c.Name + ". Who: " + rolesText(c.Roles) + ".",
			"messages":    []object{ref("#/channels/connection/messages/" + c.Name)},
			"reply":       object{"channel": ref("#/channels/connection"), "messages": []object{ref("#/channels/connection/messages/answer")}},
		}
	}
	channels := object{"connection": object{
		"address": web.SocketPath, "title": "The socket", "messages": connection,
		"description": "The client protocol of Centrifugo. A command is an rpc: method is its name, data the message.",
	}}
	for _, k := range kinds {
		channels[k.Kind] = object{
			"address": k.Kind + ":{id}", "title": k.Kind + " channels", "description": k.Summary + " Followed with subscribe over the socket.",
			"parameters": object{"id": object{"description": "The id of the " + k.Kind + "."}},
			"messages":   object{"event": message("event"), "snapshot": message("snapshot")},
		}
		operations["follow."+k.Kind] = object{
			"action": "send", "channel": ref("#/channels/" + k.Kind),
			"summary":  "A snapshot, and then every event that the caller's audience may see.",
			"messages": []object{ref("#/channels/" + k.Kind + "/messages/snapshot"), ref("#/channels/" + k.Kind + "/messages/event")},
		}
	}
	d.documents()
	return d.encode(document{
		AsyncAPI: "3.0.0", Info: d.info("The socket, from the hub's side: it receives commands and sends events."),
		Servers:  object{"here": object{"host": "{host}", "protocol": "wss", "variables": object{"host": object{"default": "localhost:8000"}}}},
		Channels: channels, Operations: operations,
		Components: object{"schemas": d.schemas.all, "messages": messages},
	})
}

func (d *Description) eventExamples() []object {
	var all []object
	for _, e := range d.Events {
		if e.EventSeen.Event != nil {
			all = append(all, object{"name": e.Type, "summary": e.Summary, "payload": e.EventSeen.Event})
		}
	}
	return all
}

func ref(to string) object { return object{"$ref": to} }

func message(name string) object { return ref("#/components/messages/" + name) }
