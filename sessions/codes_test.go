package sessions_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// channels are the namespaces of most tests.
var channels = hub.Namespaces{
	WithoutNamespace: hub.ChannelOptions{AllowSubscribeForClient: true, AllowPublishForSubscriber: true},
	Namespaces: []hub.Namespace{
		{Name: "chat", ChannelOptions: hub.ChannelOptions{
			AllowSubscribeForClient: true, AllowPublishForClient: true, Presence: true, JoinLeave: true, ForcePushJoinLeave: true,
			AllowPresenceForSubscriber: true, AllowHistoryForSubscriber: true,
			HistorySize: 10, HistoryTTL: hub.Duration(time.Minute), ForceRecovery: true,
		}},
		{Name: "feed", ChannelOptions: hub.ChannelOptions{
			AllowSubscribeForClient: true, AllowPublishForClient: true, AllowRecovery: true,
			HistorySize: 500, HistoryTTL: hub.Duration(time.Minute), AllowHistoryForClient: true,
		}},
		{Name: "last", ChannelOptions: hub.ChannelOptions{
			AllowSubscribeForClient: true, ForceRecovery: true, ForceRecoveryMode: "cache",
			HistorySize: 1, HistoryTTL: hub.Duration(time.Minute),
		}},
		{Name: "own", ChannelOptions: hub.ChannelOptions{AllowSubscribeForClient: true, AllowUserLimitedChannels: true}},
		{Name: "closed"},
	},
}

func TestCommandsAreAnsweredWithTheirErrors(t *testing.T) {
	h := open(t, sessions.Options{MaxChannels: 4, CommandRate: 0.001, CommandBurst: 5}, channels)
	expired := token(t, jwt.MapClaims{"sub": "u1", "channel": "closed:a", "exp": time.Now().Add(-time.Minute).Unix()})
	for name, c := range map[string]struct {
		before, request, want string
	}{
		"subscribe to a namespace nobody configured":   {request: `{"subscribe":{"channel":"nope:a"}}`, want: "102"},
		"subscribe where clients may not":              {request: `{"subscribe":{"channel":"closed:a"}}`, want: "103"},
		"subscribe to a private channel with no token": {request: `{"subscribe":{"channel":"$chat:a"}}`, want: "103"},
		"subscribe to another user's channel":          {request: `{"subscribe":{"channel":"own:a#u2,u3"}}`, want: "103"},
		"subscribe to another customer's context":      {request: `{"subscribe":{"channel":"context:c-43"}}`, want: "103"},
		"subscribe to a channel of the staff":          {request: `{"subscribe":{"channel":"board:s1"}}`, want: "103"},
		"subscribe twice":                              {before: `{"subscribe":{"channel":"a"}}`, request: `{"subscribe":{"channel":"a"}}`, want: "105"},
		"subscribe to a name that is too long":         {request: `{"subscribe":{"channel":"` + strings.Repeat("x", 256) + `"}}`, want: "107"},
		"subscribe to a name outside ASCII":            {request: `{"subscribe":{"channel":"ü"}}`, want: "107"},
		"subscribe with a filter":                      {request: `{"subscribe":{"channel":"a","tf":{"key":"k","cmp":"eq","val":"v"}}}`, want: "107"},
		"subscribe to a map":                           {request: `{"subscribe":{"channel":"a","type":1}}`, want: "108"},
		"subscribe with an expired token":              {request: `{"subscribe":{"channel":"closed:a","token":"` + expired + `"}}`, want: "109"},
		"subscribe with a token that is none":          {request: `{"subscribe":{"channel":"closed:a","token":"x"}}`, want: "103"},
		"recover or fail from an unknown epoch":        {request: `{"subscribe":{"channel":"chat:a","recover":true,"epoch":"other","flag":2}}`, want: "112"},
		"recover or fail on a channel with entries":    {request: `{"subscribe":{"channel":"context:u1","recover":true,"epoch":"other","offset":3,"flag":2}}`, want: "112"},
		"publish without being subscribed":             {request: `{"publish":{"channel":"a","data":{}}}`, want: "103"},
		"publish to a channel with entries":            {request: `{"publish":{"channel":"context:u1","data":{}}}`, want: "103"},
		"publish to an unknown namespace":              {request: `{"publish":{"channel":"nope:a","data":{}}}`, want: "102"},
		"publish nothing":                              {request: `{"publish":{"channel":"chat:a"}}`, want: "107"},
		"presence where it is not kept":                {request: `{"presence":{"channel":"a"}}`, want: "108"},
		"presence without being subscribed":            {request: `{"presence":{"channel":"chat:a"}}`, want: "103"},
		"presence of a channel with entries":           {request: `{"presence":{"channel":"context:u1"}}`, want: "103"},
		"counting where presence is not kept":          {request: `{"presence_stats":{"channel":"a"}}`, want: "108"},
		"counting in an unknown namespace":             {request: `{"presence_stats":{"channel":"nope:a"}}`, want: "102"},
		"history where it is not kept":                 {request: `{"history":{"channel":"a"}}`, want: "108"},
		"history without being subscribed":             {request: `{"history":{"channel":"chat:a"}}`, want: "103"},
		"history since another epoch":                  {request: `{"history":{"channel":"feed:a","since":{"offset":1,"epoch":"other"}}}`, want: "112"},
		"history of another customer":                  {request: `{"history":{"channel":"context:c-43"}}`, want: "103"},
		"refreshing a subscription there is not":       {request: `{"sub_refresh":{"channel":"a","token":"x"}}`, want: "103"},
		"a command nobody knows":                       {request: `{"rpc":{"method":"cart.explode","data":{}}}`, want: "104"},
		"a command with members of wrong types":        {request: `{"rpc":{"method":"cart.add_line","data":{"id":1,"on":[],"args":{}}}}`, want: "107"},
		"a command that is not for the role":           {request: `{"rpc":{"method":"catalog.set","data":{}}}`, want: "103"},
		"a command whose data is no object":            {request: `{"rpc":{"method":"cart.add_line","data":[1]}}`, want: "107"},
		"a command without data":                       {request: `{"rpc":{"method":"cart.add_line"}}`, want: "107"},
		"a command with fields nobody knows":           {request: `{"rpc":{"method":"cart.add_line","data":{"id":"x","on":"context:u1","extra":1}}}`, want: "107"},
	} {
		t.Run(name, func(t *testing.T) {
			p := h.connected(jwt.MapClaims{"sub": "u1", "role": "customer"})
			p.t = t
			if c.before != "" {
				p.call(c.before)
			}
			if got := p.call(c.request); !strings.Contains(got, `"error":{"code":`+c.want+`,`) {
				t.Fatalf("got %s, want error %s", got, c.want)
			}
			if got := p.call(`{"unsubscribe":{"channel":"a"}}`); !strings.Contains(got, `"unsubscribe":{}`) {
				t.Fatalf("the session did not go on: %s", got)
			}
		})
	}
	t.Run("too many channels", func(t *testing.T) {
		p := h.connected(jwt.MapClaims{"sub": "u1"})
		p.t = t
		for i := range 4 {
			p.call(fmt.Sprintf(`{"subscribe":{"channel":"a%d"}}`, i))
		}
		wantReply(t, p.call(`{"subscribe":{"channel":"b"}}`), `{"id":6,"error":{"code":106,"message":"limit exceeded"}}`)
	})
	for name, request := range map[string]string{
		"publish": `{"publish":{"channel":"feed:a","data":{}}}`, "subscribe": `{"subscribe":{"channel":"closed:a"}}`,
		"history": `{"history":{"channel":"feed:a"}}`, "presence": `{"presence":{"channel":"feed:a"}}`,
		"count": `{"presence_stats":{"channel":"feed:a"}}`, "rpc": `{"rpc":{"method":"cart.explode","data":{}}}`,
	} {
		t.Run("too fast/"+name, func(t *testing.T) {
			p := h.connected(jwt.MapClaims{"sub": "u1"})
			p.t = t
			for range 5 {
				if r := p.call(request); strings.Contains(r, `"code":111,`) {
					t.Fatalf("refused too early: %s", r)
				}
			}
			wantReply(t, p.call(request), `{"id":7,"error":{"code":111,"message":"too many requests","temporary":true}}`)
			wantReply(t, p.call(`{"unsubscribe":{"channel":"a"}}`), `{"id":8,"unsubscribe":{}}`)
		})
	}
}

func TestBreachesOfTheProtocolCloseTheSession(t *testing.T) {
	h := open(t, sessions.Options{MaxFrameCommands: 3, UserConnections: 2, MaxChannels: 2, CloseTimeout: 2 * time.Second}, channels)
	bystander := h.connected(jwt.MapClaims{"sub": "bystander"})
	ok := token(t, jwt.MapClaims{"sub": "u1"})
	connect := fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, ok)
	signed := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		s, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, s)
	}
	text, binary := websocket.MessageText, websocket.MessageBinary
	type frame struct {
		kind websocket.MessageType
		data string
	}
	for name, c := range map[string]struct {
		subprotocol string
		frames      []frame
		want        websocket.StatusCode
	}{
		"no JSON":                                 {frames: []frame{{text, `hello`}}, want: 3501},
		"no JSON after connecting":                {frames: []frame{{text, connect}, {text, `{"id":`}}, want: 3501},
		"an empty frame":                          {frames: []frame{{text, connect}, {text, ``}}, want: 3501},
		"an empty line":                           {frames: []frame{{text, connect}, {text, "\n\n"}}, want: 3501},
		"a list":                                  {frames: []frame{{text, connect}, {text, `[]`}}, want: 3501},
		"a wrong type":                            {frames: []frame{{text, connect}, {text, `{"id":"x","rpc":{}}`}}, want: 3501},
		"a command before connect":                {frames: []frame{{text, `{"id":1,"subscribe":{"channel":"a"}}`}}, want: 3501},
		"a pong before connect":                   {frames: []frame{{text, `{}`}}, want: 3501},
		"a pong nobody asked for":                 {frames: []frame{{text, connect}, {text, `{}`}}, want: 3501},
		"a pong with a newline nobody asked":      {frames: []frame{{text, connect}, {text, "{}\n"}}, want: 3501},
		"a second connect":                        {frames: []frame{{text, connect}, {text, connect}}, want: 3501},
		"two connects in a frame":                 {frames: []frame{{text, connect + "\n" + connect}}, want: 3501},
		"a command without id":                    {frames: []frame{{text, connect}, {text, `{"rpc":{"method":"a"}}`}}, want: 3501},
		"an id without a command":                 {frames: []frame{{text, connect}, {text, `{"id":2}`}}, want: 3501},
		"a client's ping":                         {frames: []frame{{text, connect}, {text, `{"id":2,"ping":{}}`}}, want: 3501},
		"subscribe without a channel":             {frames: []frame{{text, connect}, {text, `{"id":2,"subscribe":{}}`}}, want: 3501},
		"subscribe with an unknown delta":         {frames: []frame{{text, connect}, {text, `{"id":2,"subscribe":{"channel":"a","delta":"x"}}`}}, want: 3501},
		"unsubscribe without a channel":           {frames: []frame{{text, connect}, {text, `{"id":2,"unsubscribe":{}}`}}, want: 3501},
		"publish without a channel":               {frames: []frame{{text, connect}, {text, `{"id":2,"publish":{"data":{}}}`}}, want: 3501},
		"refresh without a token":                 {frames: []frame{{text, connect}, {text, `{"id":2,"refresh":{}}`}}, want: 3501},
		"sub_refresh of what does not expire":     {frames: []frame{{text, connect}, {text, `{"id":2,"subscribe":{"channel":"a"}}` + "\n" + `{"id":3,"sub_refresh":{"channel":"a","token":"x"}}`}}, want: 3501},
		"binary on a text session":                {frames: []frame{{text, connect}, {binary, "\x02\x08\x01"}}, want: 3501},
		"JSON in a binary frame":                  {frames: []frame{{binary, connect}}, want: 3501},
		"text on a binary session":                {subprotocol: "centrifuge-protobuf", frames: []frame{{text, connect}}, want: 3501},
		"a length beyond the frame":               {subprotocol: "centrifuge-protobuf", frames: []frame{{binary, "\x7f\x08\x01"}}, want: 3501},
		"a length without end":                    {subprotocol: "centrifuge-protobuf", frames: []frame{{binary, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}}, want: 3501},
		"no Protobuf":                             {subprotocol: "centrifuge-protobuf", frames: []frame{{binary, "\x03\xff\xff\xff"}}, want: 3501},
		"too many commands in a frame":            {frames: []frame{{text, connect}, {text, strings.Repeat(`{"id":2,"rpc":{}}`+"\n", 4)}}, want: 3501},
		"a frame that is too long":                {frames: []frame{{text, connect}, {text, `{"id":2,"rpc":{"method":"` + strings.Repeat("x", 64<<10) + `"}}`}}, want: 1009},
		"no token":                                {frames: []frame{{text, `{"id":1,"connect":{}}`}}, want: 3501},
		"a token that is none":                    {frames: []frame{{text, `{"id":1,"connect":{"token":"x"}}`}}, want: 3500},
		"a token by a stranger":                   {frames: []frame{{text, signed(jwt.SigningMethodHS256, []byte("other"), jwt.MapClaims{"sub": "u1"})}}, want: 3500},
		"a token without a signature":             {frames: []frame{{text, signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"sub": "u1"})}}, want: 3500},
		"an expired token by a stranger":          {frames: []frame{{text, signed(jwt.SigningMethodHS256, []byte("other"), jwt.MapClaims{"sub": "u1", "exp": 1})}}, want: 3500},
		"a token without sub":                     {frames: []frame{{text, signed(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{})}}, want: 3500},
		"a token with an unknown role":            {frames: []frame{{text, signed(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"sub": "u1", "role": "king"})}}, want: 3500},
		"a till without a store":                  {frames: []frame{{text, signed(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"sub": "u1", "role": "pos"})}}, want: 3500},
		"a token that is not valid yet":           {frames: []frame{{text, signed(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"sub": "u1", "nbf": time.Now().Add(time.Hour).Unix()})}}, want: 3500},
		"refresh with another user's token":       {frames: []frame{{text, connect}, {text, `{"id":2,"refresh":{"token":"` + token(t, jwt.MapClaims{"sub": "u2"}) + `"}}`}}, want: 3500},
		"refresh with an expired token":           {frames: []frame{{text, connect}, {text, `{"id":2,"refresh":{"token":"` + token(t, jwt.MapClaims{"sub": "u1", "exp": 1}) + `"}}`}}, want: 3005},
		"a subscription token for somebody":       {frames: []frame{{text, connect}, {text, `{"id":2,"subscribe":{"channel":"closed:a","token":"` + token(t, jwt.MapClaims{"sub": "u2", "channel": "closed:a"}) + `"}}`}}, want: 3500},
		"a subscription token to connect":         {frames: []frame{{text, `{"id":1,"connect":{"token":"` + token(t, jwt.MapClaims{"sub": "u1", "channel": "closed:a"}) + `"}}`}}, want: 3500},
		"more channels in the token than allowed": {frames: []frame{{text, `{"id":1,"connect":{"token":"` + token(t, jwt.MapClaims{"sub": "u1", "channels": []string{"a", "b", "c"}}) + `"}}`}}, want: 3505},
		"a command after connect was refused": {frames: []frame{
			{text, `{"id":1,"connect":{"token":"` + token(t, jwt.MapClaims{"sub": "u1", "exp": 1}) + `"}}`}, {text, `{"id":2,"subscribe":{"channel":"a"}}`}}, want: 3501},
	} {
		t.Run(name, func(t *testing.T) {
			p := h.dialAs(c.subprotocol)
			p.t = t
			for _, f := range c.frames {
				p.raw(f.kind, []byte(f.data))
			}
			if code, reason := p.closed(); code != c.want {
				t.Fatalf("closed with %d %s, want %d", code, reason, c.want)
			}
		})
	}
	t.Run("more sockets of a user than allowed", func(t *testing.T) {
		a, b := h.connected(jwt.MapClaims{"sub": "u7"}), h.connected(jwt.MapClaims{"sub": "u7"})
		c := h.dial()
		c.t = t
		c.send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "u7"})))
		if code, _ := c.closed(); code != 3504 {
			t.Fatalf("closed with %d, want 3504", code)
		}
		a.call(`{"unsubscribe":{"channel":"a"}}`)
		b.call(`{"unsubscribe":{"channel":"a"}}`)
	})
	bystander.call(`{"subscribe":{"channel":"a"}}`)
}

func TestAnExpiredTokenIsAnsweredSoThatClientsGetAnother(t *testing.T) {
	h := open(t, sessions.Options{})
	p := h.dial()
	p.send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "u1", "exp": 1})))
	wantReply(t, p.next(), `{"id":1,"error":{"code":109,"message":"token expired"}}`)
}

func TestAFaultOfAModelIsNobodysEnd(t *testing.T) {
	h := open(t, sessions.Options{}, channels)
	a, b := h.connected(jwt.MapClaims{"sub": "c-42", "role": "customer"}), h.connected(jwt.MapClaims{"sub": "c-43", "role": "customer"})
	r := parse(t, a.call(`{"rpc":{"method":"test.fault","data":{"id":"x","on":"context:c-42"}}}`))
	if r.RPC == nil || r.RPC.Data.Problem == nil || r.RPC.Data.Problem.Code != "internal" {
		t.Fatalf("answer: %+v", r)
	}
	a.subscribe(`{"channel":"context:c-42"}`)
	b.subscribe(`{"channel":"context:c-43"}`)
}
