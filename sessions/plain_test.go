package sessions_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

// What plain channels owe to clients written for Centrifugo, down to the bytes.

var plain = hub.Namespaces{
	WithoutNamespace: hub.ChannelOptions{AllowSubscribeForClient: true},
	Namespaces: []hub.Namespace{
		{Name: "feed", ChannelOptions: hub.ChannelOptions{
			HistorySize: 10, HistoryTTL: hub.Duration(time.Minute), ForceRecovery: true, AllowedDeltaTypes: []string{"fossil"},
			AllowSubscribeForClient: true, AllowPublishForClient: true, AllowHistoryForClient: true,
		}},
		{Name: "latest", ChannelOptions: hub.ChannelOptions{
			HistorySize: 1, HistoryTTL: hub.Duration(time.Minute), ForceRecovery: true, ForceRecoveryMode: "cache", AllowSubscribeForClient: true,
		}},
		{Name: "dialog", ChannelOptions: hub.ChannelOptions{AllowUserLimitedChannels: true}},
		{Name: "room", ChannelOptions: hub.ChannelOptions{
			AllowSubscribeForClient: true, AllowPublishForClient: true, PublicationDataFormat: hub.FormatObject,
			ChannelRegex: hub.Pattern{Regexp: regexp.MustCompile(`^[a-zü]+$`)},
		}},
	},
}

func TestAnEmptyHistoryIsAList(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	for _, query := range []string{`{"channel":"feed:a"}`, `{"channel":"feed:a","limit":-1}`} {
		if r := p.call(`{"history":` + query + `}`); !strings.Contains(r, `"publications":[]`) {
			t.Errorf("%s: %s", query, r)
		}
	}
}

func TestTheFirstPublicationCarriesTheEpoch(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	epoch := p.subscribe(`{"channel":"feed:a"}`).Epoch
	for i := 1; i <= 2; i++ {
		p.call(`{"publish":{"channel":"feed:a","data":1}}`)
		if r, want := p.next(), fmt.Sprintf(`"epoch":%q`, epoch); strings.Contains(r, want) != (i == 1) {
			t.Errorf("publication %d: %s", i, r)
		}
	}
}

func TestAHashIsOrdinaryUnlessTheNamespaceLimitsUsers(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	for channel, want := range map[string]string{
		"room#5": `"subscribe":{}`, "dialog:a#u1": `"subscribe":{}`, "dialog:a#u2,u1": `"subscribe":{}`,
		"dialog:a#u2": `"code":103`, "dialog:a": `"code":103`,
	} {
		if r := p.call(fmt.Sprintf(`{"subscribe":{"channel":%q}}`, channel)); !strings.Contains(r, want) {
			t.Errorf("%s: %s, want %s", channel, r, want)
		}
	}
}

func TestANamespaceSaysHowItsChannelsAreCalled(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	for channel, want := range map[string]string{"room:süd": `"subscribe":{}`, "room:5": `"code":107`, "room:": `"code":107`, "süd": `"code":107`} {
		if r := p.call(fmt.Sprintf(`{"subscribe":{"channel":%q}}`, channel)); !strings.Contains(r, want) {
			t.Errorf("%s: %s, want %s", channel, r, want)
		}
	}
}

func TestANamespaceSaysWhatIsPublished(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	for data, want := range map[string]string{`{}`: `"publish":{}`, `[]`: `"code":107`, `"x"`: `"code":107`} {
		if r := p.call(`{"publish":{"channel":"room:a","data":` + data + `}}`); !strings.Contains(r, want) {
			t.Errorf("%s: %s, want %s", data, r, want)
		}
	}
	if _, err := h.hub.Publish(t.Context(), "room:a", hub.Publication{Data: []byte("\xff")}); !errors.Is(err, hub.ErrFormat) {
		t.Errorf("bytes: %v", err)
	}
}

func TestThereAreNoMethodsForGuests(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	for method, code := range map[string]int{"greet": 108, "cart.add_line": 103} {
		if r := parse(t, p.call(fmt.Sprintf(`{"rpc":{"method":%q,"data":{}}}`, method))); r.Error == nil || r.Error.Code != code {
			t.Errorf("%s: %+v, want error %d", method, r, code)
		}
	}
}

func TestAnEmptyCacheIsNotAPositionLost(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	if s := p.subscribe(`{"channel":"latest:a","recover":true,"epoch":"gone","offset":3,"flag":2}`); s.Recovered || !s.WasRecovering {
		t.Fatalf("subscribed: %+v", s)
	}
}

func TestDeltasGoOnFromWhatWasRecovered(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	text := func(i int) string { return fmt.Sprintf(`{"text":%q,"i":%d}`, strings.Repeat("abcdefgh", 20), i) }
	publish := func(i int) {
		if _, err := h.hub.Publish(t.Context(), "feed:a", hub.Publication{Data: []byte(text(i))}); err != nil {
			t.Fatal(err)
		}
	}
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	first := p.subscribe(`{"channel":"feed:a"}`)
	p.call(`{"unsubscribe":{"channel":"feed:a"}}`)
	for i := 1; i <= 3; i++ {
		publish(i)
	}
	again := p.subscribe(fmt.Sprintf(`{"channel":"feed:a","delta":"fossil","recover":true,"epoch":%q,"offset":0}`, first.Epoch))
	publish(4)
	var base []byte
	for i, got := range append(again.Publications, p.pub("feed:a")) {
		var data string
		if err := json.Unmarshal(got.Data, &data); err != nil {
			t.Fatalf("publication %d is no string: %s", i+1, got.Data)
		}
		payload := []byte(data)
		if got.Delta {
			var err error
			if payload, err = sessions.Undelta(base, payload); err != nil {
				t.Fatalf("publication %d: %v", i+1, err)
			}
		}
		if string(payload) != text(i+1) || got.Delta != (i > 0) {
			t.Errorf("publication %d: delta %v, %s", i+1, got.Delta, payload)
		}
		base = payload
	}
}

func TestSubscriptionsSentWithARefusedConnectAreNoBreach(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.dial()
	p.send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`+"\n"+`{"id":2,"subscribe":{"channel":"a"}}`, token(t, jwt.MapClaims{"sub": "u1", "exp": 1})))
	wantReply(t, p.next(), `{"id":1,"error":{"code":109,"message":"token expired"}}`)
	p.send(`{"id":3,"subscribe":{"channel":"a"}}`)
	if _, err := p.read(); err == nil {
		t.Fatal("a command of a later frame was answered")
	}
}

func TestAConnectionMayEndAtAnotherTimeThanItsToken(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	for name, c := range map[string]struct {
		expireAt int64
		most     int // seconds that are left
	}{
		"earlier": {time.Now().Add(time.Minute).Unix(), 60},
		"never":   {0, 0},
	} {
		p := h.dial()
		p.send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "u1", "expire_at": c.expireAt})))
		if got := parse(t, p.next()).Connect; got == nil || got.Expires != (c.most > 0) || got.TTL > c.most {
			t.Errorf("%s: %+v, want at most %d s", name, got, c.most)
		}
	}
}

func TestARefreshLeavesServerSideSubscriptions(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.connected(jwt.MapClaims{"sub": "u1", "channels": []string{"feed:a"}})
	if r := p.call(fmt.Sprintf(`{"refresh":{"token":%q}}`, token(t, jwt.MapClaims{"sub": "u1"}))); !strings.Contains(r, `"refresh":{`) {
		t.Fatalf("refresh: %s", r)
	}
	p.call(`{"publish":{"channel":"feed:a","data":1}}`)
	if got := p.pub("feed:a"); got.Offset != 1 {
		t.Fatalf("got offset %d", got.Offset)
	}
}

func TestABackendsRefreshIsTold(t *testing.T) {
	h := open(t, sessions.Options{}, plain)
	p := h.connected(jwt.MapClaims{"sub": "u1"})
	for end, want := range map[int64]string{0: `{"push":{"refresh":{}}}`, time.Now().Add(time.Hour).Unix(): `{"push":{"refresh":{"expires":true,"ttl":3`} {
		if err := h.server.Refresh(t.Context(), sessions.RefreshRequest{User: "u1", ExpireAt: end}); err != nil {
			t.Fatal(err)
		}
		if r := p.next(); !strings.HasPrefix(r, want) {
			t.Errorf("pushed %s, want %s", r, want)
		}
	}
}
