package describe

import (
	"encoding/json"
	"reflect"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
	"github.com/samepage/samepage/web"
)

// Code is how the socket's protocol says no, and what to make of it.
type Code struct {
	sessions.Code
	Summary string
}

// codeWords explains the codes of the protocol; a test holds it against the table.
var codeWords = map[uint32]string{
	100: "The hub's own fault. Try again.",
	101: "Nobody we know.",
	102: "The channel's namespace is not configured.",
	103: "The caller may not do this, or may not call this command at all.",
	104: "There is no such command.",
	105: "The session is subscribed to this channel already.",
	106: "A bound is reached: subscriptions of a session.",
	107: "The request cannot be read, or the channel's name is not one.",
	108: "The channel does not keep what was asked for.",
	109: "The token has expired: get a new one and connect again. SDKs do.",
	110: "The subscription or the session has expired.",
	111: "Too many requests. Wait and try again.",
	112: "The past cannot be continued from this position, and the caller wanted nothing else.",

	2000: "A backend ended the subscription. The client does not come back.",
	2001: "The channel is another name of a second one now: the client goes on there.",
	2500: "Events were lost on the way. The client subscribes again and recovers.",
	2501: "The subscription's token has expired.",
	2502: "What the subscription stood on has changed. The client subscribes again.",

	3000: "The connection was closed.",
	3001: "The node goes down. Reconnects are spread over a window.",
	3004: "The hub's own fault.",
	3005: "The token has expired and was not refreshed in time.",
	3006: "A subscription's token has expired and was not refreshed in time.",
	3008: "The device reads too slowly: its queue was full. It reconnects and recovers.",
	3009: "The connection could not be written to.",
	3010: "The session's state is not whole. It reconnects and recovers.",
	3011: "A backend asked the client to connect again.",
	3012: "The client did not answer a ping.",
	3013: "Too many requests.",
	3014: "What the session stood on has changed. It connects again.",

	3500: "The token is not valid, or is somebody else's.",
	3501: "A frame could not be read as the protocol.",
	3502: "The client did not say connect in time.",
	3503: "A backend closed the session for good.",
	3504: "The user has too many sessions.",
	3505: "The token names too many channels.",
	3506: "The frame is of another protocol than the session.",
	3507: "The caller may not connect.",
	3508: "What was asked for is not available here.",
	3509: "Too many errors.",
}

// Claim is one claim of a token.
type Claim struct{ Name, Who, Summary string }

var claims = []Claim{
	{"sub", "everybody", "Who it is. Required."},
	{"role", "everybody", "customer, pos, agent, supervisor, service or bot. Absent: a guest, for plain channels only."},
	{"exp, nbf, iat, jti", "everybody", "As in RFC 7519. An expired token is answered so that clients fetch a new one."},
	{"aud, iss", "everybody", "Checked where the configuration names them."},
	{"name", "everybody", "The display name that others see."},
	{"context", "customer", "The id of the context that the token is for. Absent: the sub."},
	{"store", "pos", "The store. Required of tills."},
	{"device", "pos", "The device's id."},
	{"queues", "agent, supervisor, bot", "The queues that they work."},
	{"skills", "agent, supervisor", "What they can do."},
	{"capacity", "agent, supervisor", "How many conversations they take at a time."},
	{"info", "everybody", "Shown to others in presence."},
	{"channels", "everybody", "Channels that the session is subscribed to as soon as it connects."},
	{"grants", "everybody", `Further rights on plain channels: [{"channels":["news:*"],"can":["subscribe","publish","presence","history"]}].`},
}

// Endpoint is one way in by HTTP.
type Endpoint struct {
	Method, Path, Summary string
	Auth                  string // bearer, key, ""
	Kind                  string // of the answer: a media type; "" JSON
	id                    string
	body, answer          reflect.Type
	parameters            []parameter
	problems              []string
}

type parameter struct{ name, in, kind, summary string }

// Answer is what a command's sender gets, over the socket and by HTTP.
type Answer struct {
	On       string     `json:"on,omitempty"` // the channel it ran on, where that is not the one that was named
	Epoch    string     `json:"epoch,omitempty"`
	Offset   uint64     `json:"offset,omitempty"`
	Event    *hub.Event `json:"event,omitempty"`    // as the caller's audience may see it; absent where nothing changed
	Replayed bool       `json:"replayed,omitempty"` // the command was known: this is the answer it had
	Result   any        `json:"result,omitempty"`   // of a query, in place of an event
}

// Refusal is an answer that says no, over the socket and in a batch.
type Refusal struct {
	Problem hub.Problem `json:"problem" jsonschema:"required"`
}

// HTTPProblem is a refusal by HTTP, as RFC 9457 writes it.
type HTTPProblem struct {
	Type    string `json:"type" jsonschema:"required"`    // urn:samepage:problem:CODE
	Title   string `json:"title" jsonschema:"required"`   // the code in words
	Status  int    `json:"status" jsonschema:"required"`  // of the answer
	Detail  string `json:"detail" jsonschema:"required"`  // the message
	Code    string `json:"code" jsonschema:"required"`    // snake_case, stable
	Message string `json:"message" jsonschema:"required"` // for people
	Details any    `json:"details,omitempty"`             // depends on the code
}

// Snapshot is a channel as one audience sees it.
type Snapshot struct {
	Channel hub.Channel          `json:"channel" jsonschema:"required"`
	Epoch   string               `json:"epoch" jsonschema:"required"`
	Offset  uint64               `json:"offset" jsonschema:"required"`
	Entries map[string]hub.Entry `json:"entries,omitempty"` // absent on a plain channel
}

// NumberedEvent is an event with its place in the log. On a plain channel it is a publication.
type NumberedEvent struct {
	Offset  uint64            `json:"offset"`
	Info    *hub.ClientInfo   `json:"info,omitempty"` // of a publication: who published
	Tags    map[string]string `json:"tags,omitempty"` // of a publication
	B64Data []byte            `json:"b64data,omitempty"`
	hub.Event
}

// EventPage is a part of a channel's log as one audience sees it.
type EventPage struct {
	Channel hub.Channel     `json:"channel" jsonschema:"required"`
	Epoch   string          `json:"epoch" jsonschema:"required"`
	Offset  uint64          `json:"offset" jsonschema:"required"` // where the log ends
	Events  []NumberedEvent `json:"events" jsonschema:"required"`
	Next    string          `json:"next,omitempty"` // if there is more: what to ask for after
}

// Batch is many commands in one request.
type Batch struct {
	Commands []BatchCommand `json:"commands" jsonschema:"required"`
}

// BatchCommand is a command with its method.
type BatchCommand struct {
	Method string `json:"method" jsonschema:"required"`
	sessions.CommandRequest
}

// BatchAnswers are the answers in the order of the commands.
type BatchAnswers struct {
	Answers []json.RawMessage `json:"answers" jsonschema:"required"` // each an Answer or a Refusal
}

// Readiness says whether to send callers here.
type Readiness struct {
	Ready  bool   `json:"ready" jsonschema:"required"`
	Reason string `json:"reason,omitempty"` // why not
}

// APIRefusal is a refusal of the server API, with the codes of the socket's protocol.
type APIRefusal struct {
	Error struct {
		Code    uint32 `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

var channelName = parameter{"channel", "path", "string", "The channel's name: context:c-42, news."}

// endpoints are the ways in but for commands and the server API, which follow their tables.
var endpoints = []Endpoint{
	{Method: "GET", Path: web.SocketPath, id: "connect", Summary: "The socket: the client protocol of Centrifugo, as JSON (centrifuge-json) or Protobuf (centrifuge-protobuf).", Kind: "WebSocket", Auth: "in the connect command"},
	{Method: "POST", Path: "/v1/commands/{method}", id: "command", Summary: "One command. The body and the answer are those of rpc over the socket; a refusal is a problem of RFC 9457.", Auth: "token or key", body: reflect.TypeFor[sessions.CommandRequest](), answer: reflect.TypeFor[Answer]()},
	{Method: "POST", Path: "/v1/commands", id: "commands", Summary: "Up to 100 commands, run one by one in their order. A refused one does not stop the next.", Auth: "token or key", body: reflect.TypeFor[Batch](), answer: reflect.TypeFor[BatchAnswers](), problems: []string{hub.CodeBadRequest, hub.CodeUnauthorized, hub.CodeTooLarge, hub.CodeInvalid}},
	{Method: "GET", Path: "/v1/channels/{channel}", id: "snapshot", Summary: "A channel as it is now: its entries and the position they stand at.", Auth: "token or key", answer: reflect.TypeFor[Snapshot](), parameters: []parameter{channelName}, problems: []string{hub.CodeUnauthorized, hub.CodeForbidden, hub.CodeNotFound, hub.CodeInvalid, hub.CodeRateLimited, hub.CodeUnavailable}},
	{Method: "GET", Path: "/v1/channels/{channel}/events", id: "events", Summary: "Events behind a position, oldest first, a page at a time. With Accept: text/event-stream a live stream, whose ids are positions.", Auth: "token or key", answer: reflect.TypeFor[EventPage](), parameters: []parameter{
		channelName,
		{"after", "query", "string", "EPOCH:OFFSET: events behind this position. Absent: from the oldest that is kept; for a stream, from now."},
		{"limit", "query", "integer", "How many events a page has: 1 to 1000, 100 if absent."},
		{"Last-Event-ID", "header", "string", "For a stream: where it was; wins over after."},
	}, problems: []string{hub.CodeUnauthorized, hub.CodeForbidden, hub.CodeNotFound, hub.CodeGone, hub.CodeInvalid, hub.CodeRateLimited, hub.CodeUnavailable}},
	{Method: "POST", Path: "/api", id: "apiCommands", Summary: "Calls of the server API as older clients send them, one {\"method\",\"params\"} a line, answered one a line.", Auth: "key", answer: reflect.TypeFor[json.RawMessage](), body: reflect.TypeFor[json.RawMessage]()},
	{Method: "GET", Path: "/v1/openapi.json", id: "openapi", Summary: "The HTTP API, described as OpenAPI 3.1.", answer: reflect.TypeFor[json.RawMessage]()},
	{Method: "GET", Path: "/v1/asyncapi.json", id: "asyncapi", Summary: "The socket, described as AsyncAPI 3.0.", answer: reflect.TypeFor[json.RawMessage]()},
	{Method: "GET", Path: "/docs/", id: "docs", Summary: "This page.", Kind: "text/html"},
	{Method: "GET", Path: "/healthz", id: "health", Summary: "The process answers.", Kind: "text/plain"},
	{Method: "GET", Path: "/readyz", id: "ready", Summary: "200 if a message came back through the engine within the last seconds and the store takes writes, else 503 and the reason.", answer: reflect.TypeFor[Readiness]()},
	{Method: "GET", Path: "/metrics", id: "metrics", Summary: "Metrics for Prometheus.", Kind: "text/plain"},
}

// apiEndpoints are the calls of the server API.
func apiEndpoints(methods []web.APIMethod) []Endpoint {
	var all []Endpoint
	for _, m := range methods {
		all = append(all, Endpoint{
			Method: "POST", Path: "/api/" + m.Name, id: "api_" + m.Name, Summary: apiWords[m.Name], Auth: "key", body: m.Params, answer: m.Result,
		})
	}
	return all
}

// apiWords explains the server API; a test holds it against the table.
var apiWords = map[string]string{
	"publish":        "Publishes to a plain channel.",
	"broadcast":      "Publishes the same to many plain channels.",
	"subscribe":      "Subscribes a user's sessions to a channel.",
	"unsubscribe":    "Ends subscriptions of a user's sessions.",
	"disconnect":     "Closes a user's sessions.",
	"refresh":        "Prolongs a user's sessions, or lets them expire.",
	"presence":       "Who is in a channel.",
	"presence_stats": "How many are in a channel.",
	"history":        "Publications of a channel that are kept, and its position.",
	"history_remove": "Forgets the publications of a channel.",
	"channels":       "The plain channels that have subscribers, by a pattern; those without presence as this node knows them.",
	"info":           "The nodes, this one first, and what is on each.",
	"batch":          "Many calls in one request.",
}

// signals are commands that leave no trace; sessions carries them.
var signals = []Command{
	signal("signal.typing", "Somebody types in a conversation. It is not stored and fades after 5 seconds."),
	signal("signal.viewing", "Somebody looks at the context. It is not stored and fades after 5 seconds."),
}

// SignalArgs are what a signal carries: whatever the touchpoints agree on, up to 1 KiB.
type SignalArgs struct {
	Conversation string `json:"conversation,omitempty"` // where somebody types
}

func signal(name, summary string) Command {
	return Command{
		Name: name, Kinds: []string{hub.KindContext}, Summary: summary, args: reflect.TypeFor[SignalArgs](), ModeWords: "not stored",
		Roles:  []hub.Role{hub.RoleCustomer, hub.RoleBot, hub.RoleAgent, hub.RoleSupervisor, hub.RoleService},
		Fields: []Field{{Path: "conversation", Type: "text", Words: "where somebody types; any other members are carried along, 1 KiB in all"}},
	}
}
