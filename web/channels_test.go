package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
)

func TestSnapshotIsWhatTheCallerMaySee(t *testing.T) {
	h := open(t, nil)
	pos := h.write("a", "for all", false)
	h.hub.Do(t.Context(), hub.Command{Method: "note.write", ID: "b", On: "context:c-42",
		Args:   []byte(`{"note":"n2","text":"between us","private":true}`),
		Caller: hub.Caller{Actor: hub.Actor{Role: hub.RoleService}}})

	forAll := `"note/n1":{"v":1,"doc":{"text":"for all","private":false}}`
	private := `"note/n2":{"v":2,"doc":{"text":"between us","private":true}}`
	body := `{"channel":"context:c-42","epoch":"` + pos.Epoch + `","offset":2,"entries":{%s}}`
	for name, c := range map[string]struct {
		header  http.Header
		entries string
	}{
		"the customer": {bearer(t, nil), forAll},
		"a service":    {key, forAll + "," + private},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			a := h.get("/v1/channels/context:c-42", c.header)
			if a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			same(t, a.body, fmt.Sprintf(body, c.entries))
		})
	}
	h.t = t
	if a := h.get("/v1/channels/context%3Ac-42", bearer(t, nil)); a.status != 200 {
		t.Errorf("an escaped name: %d %s", a.status, a.body)
	}
}

func TestSnapshotOfNothingHasEntries(t *testing.T) {
	h := open(t, nil)
	var got map[string]any
	h.get("/v1/channels/context:c-42", bearer(t, nil)).into(t, 200, &got)
	if entries, ok := got["entries"].(map[string]any); !ok || len(entries) != 0 || got["offset"] != 0.0 {
		t.Errorf("snapshot %v", got)
	}
}

func TestSnapshotOfAPlainChannelIsItsPosition(t *testing.T) {
	h := open(t, nil)
	for _, name := range []hub.Channel{"news", "a/b"} {
		pos, err := h.hub.Publish(t.Context(), name, hub.Publication{Data: []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		a := h.get("/v1/channels/"+url.PathEscape(string(name)), bearer(t, nil))
		same(t, a.body, fmt.Sprintf(`{"channel":%q,"epoch":%q,"offset":1}`, name, pos.Epoch))
	}
}

func TestChannelRefusals(t *testing.T) {
	h := open(t, nil)
	mine := bearer(t, nil)
	for name, c := range map[string]struct {
		path   string
		header http.Header
		status int
		code   string
	}{
		"no token":                      {"/v1/channels/context:c-42", nobody, 401, "unauthorized"},
		"a foreign context":             {"/v1/channels/context:c-1", mine, 403, "forbidden"},
		"a board for a customer":        {"/v1/channels/board:s1", mine, 403, "forbidden"},
		"a foreign store's board":       {"/v1/channels/board:s2", bearer(t, jwt.MapClaims{"role": "pos", "store": "s1"}), 403, "forbidden"},
		"an unknown namespace":          {"/v1/channels/nobody:x", mine, 404, "not_found"},
		"a namespace nobody may follow": {"/v1/channels/brief:x", mine, 403, "forbidden"},
		"a name with a space":           {"/v1/channels/a%20b", mine, 422, "invalid"},
		"a kind without an id":          {"/v1/channels/context:", mine, 422, "invalid"},
		"events without a token":        {"/v1/channels/context:c-42/events", nobody, 401, "unauthorized"},
		"events of a foreign context":   {"/v1/channels/context:c-1/events", mine, 403, "forbidden"},
		"a position that is none":       {"/v1/channels/context:c-42/events?after=17", mine, 422, "invalid"},
		"a limit of nothing":            {"/v1/channels/context:c-42/events?limit=0", mine, 422, "invalid"},
		"a limit of everything":         {"/v1/channels/context:c-42/events?limit=100000", mine, 422, "invalid"},
		"a limit that is a word":        {"/v1/channels/context:c-42/events?limit=ten", mine, 422, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.get(c.path, c.header).problem(t, c.status, c.code)
		})
	}
}

// eventPage is a page as a caller reads it.
type eventPage struct {
	Channel, Epoch, Next string
	Offset               uint64
	Events               []struct {
		Offset uint64
		Type   string
		Cause  string
		Data   map[string]any
	}
}

func (p eventPage) offsets() (all []uint64) {
	for _, e := range p.Events {
		all = append(all, e.Offset)
	}
	return all
}

func TestEventPages(t *testing.T) {
	h := open(t, nil)
	var pos hub.Position
	for i := range 5 {
		pos = h.write(fmt.Sprint("id-", i), fmt.Sprint("text ", i), i == 2) // hidden, and seen again at the next
	}
	path := "/v1/channels/context:c-42/events"
	at := func(offset int) string { return fmt.Sprintf("&after=%s:%d", pos.Epoch, offset) }
	for name, c := range map[string]struct {
		header http.Header
		query  string
		want   string
		next   string
	}{
		"all of them":                        {key, "", "[1 2 3 4 5]", ""},
		"behind a position":                  {key, at(3), "[4 5]", ""},
		"at the end":                         {key, at(5), "[]", ""},
		"from before the first":              {key, at(0), "[1 2 3 4 5]", ""},
		"a first page":                       {key, "&limit=2", "[1 2]", pos.Epoch + ":2"},
		"a page in the middle":               {key, "&limit=2" + at(2), "[3 4]", pos.Epoch + ":4"},
		"a page that ends exactly":           {key, "&limit=2" + at(3), "[4 5]", ""},
		"a customer sees the note disappear": {bearer(t, nil), "", "[1 2 3 4 5]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			var page eventPage
			h.get(path+"?"+c.query, c.header).into(t, 200, &page)
			if got := fmt.Sprint(page.offsets()); got != c.want || page.Next != c.next {
				t.Errorf("events %v next %q, want %s next %q", got, page.Next, c.want, c.next)
			}
			if page.Offset != 5 || page.Epoch != pos.Epoch || page.Channel != "context:c-42" {
				t.Errorf("page %+v", page)
			}
		})
	}
}

func TestEventsOfWhichNothingIsSeenAreSkippedAndCounted(t *testing.T) {
	h := open(t, nil)
	h.write("a", "one", true)
	h.write("b", "two", true)
	pos := h.write("c", "three", false)
	var page eventPage
	h.get("/v1/channels/context:c-42/events?limit=2", bearer(t, nil)).into(t, 200, &page)
	if len(page.Events) != 0 || page.Next != pos.Epoch+":2" {
		t.Errorf("the first page: %+v", page)
	}
	var second eventPage
	h.get("/v1/channels/context:c-42/events?after="+page.Next, bearer(t, nil)).into(t, 200, &second)
	if fmt.Sprint(second.offsets()) != "[3]" || second.Next != "" {
		t.Errorf("the second page: %+v", second)
	}
}

func TestLostPositionsAreGone(t *testing.T) {
	h := open(t, func(o *boltOptions, _ *hubOptions, _ *webOptions) { o.LogSize = 2 })
	var pos hub.Position
	for i := range 40 {
		pos = h.write(fmt.Sprint("id-", i), fmt.Sprint("text ", i), false)
	}
	for name, after := range map[string]string{
		"trimmed":          pos.Epoch + ":1",
		"another epoch":    "zzzz:1",
		"not yet happened": pos.Epoch + ":41",
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			p := h.get("/v1/channels/context:c-42/events?after="+after, bearer(t, nil)).problem(t, 410, "gone")
			same(t, p.Details, fmt.Sprintf(`{"epoch":%q,"offset":40}`, pos.Epoch))
		})
	}
}

func TestEventsOfAPlainChannel(t *testing.T) {
	h := open(t, nil)
	for _, p := range []hub.Publication{{Data: []byte(`{"a": 1}`), Tags: map[string]string{"k": "v"}}, {Data: []byte{0xff, 0}}} {
		if _, err := h.hub.Publish(t.Context(), "news", p); err != nil {
			t.Fatal(err)
		}
	}
	var page struct{ Events []any }
	a := h.get("/v1/channels/news/events", bearer(t, nil))
	a.into(t, 200, &page)
	same(t, []byte(jsonOf(t, page.Events)), `[{"offset":1,"data":{"a":1},"tags":{"k":"v"}},{"offset":2,"b64data":"/wA="}]`)
	h.get("/v1/channels/open:x/events", bearer(t, nil)).problem(t, 409, "not_available")
}

func TestOtherOrigins(t *testing.T) {
	const shop = "https://shop.example"
	h := open(t, func(_ *boltOptions, _ *hubOptions, o *webOptions) {
		o.AllowedOrigins = []string{shop, "https://*.shop.example", "tablet.example:8443"}
	})
	for origin, allowed := range map[string]bool{
		shop: true, "https://SHOP.example": true, "http://shop.example": false, "https://a.shop.example": true,
		"https://shop.example.evil": false, "null": false, "http://tablet.example:8443": true, "https://evil": false,
	} {
		pre := h.send("OPTIONS", "/v1/commands/note.write", http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}}, "")
		header := bearer(t, nil)
		header.Set("Origin", origin)
		got := h.get("/v1/channels/context:c-42", header)
		want := ""
		if allowed {
			want = origin
		}
		for what, a := range map[string]answer{"preflight": pre, "request": got} {
			if got := a.header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s from %s: allowed origin %q", what, origin, got)
			}
		}
		if (pre.status == 204) != allowed {
			t.Errorf("preflight from %s: %d", origin, pre.status)
		}
	}
	closed := open(t, nil)
	a := closed.get("/v1/channels/context:c-42", http.Header{"Origin": {shop}})
	if a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("an origin is allowed though none is configured")
	}
}
