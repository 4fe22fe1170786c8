package web_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/web"
)

func TestAPIAnswersInCentrifugosShapes(t *testing.T) {
	h := open(t, nil)
	for client, m := range map[string]presence.Member{
		"client-1": {Client: "client-1", User: "42", ConnInfo: []byte(`{"name":"Ada"}`)},
		"client-2": {Client: "client-2", User: "42"},
	} {
		if _, err := h.member.Join(t.Context(), "news", m); err != nil {
			t.Fatal(client, err)
		}
	}
	first, err := h.hub.Publish(t.Context(), "news", hub.Publication{Data: []byte(`{"n":1}`), Tags: map[string]string{"k": "v"}})
	if err != nil {
		t.Fatal(err)
	}
	epoch := first.Epoch
	for _, c := range []struct{ name, method, body, want string }{
		{"publish", "publish", `{"channel":"news","data":{"n": 2}}`, `{"result":{"offset":2,"epoch":"` + epoch + `"}}`},
		{"publish without history", "publish", `{"channel":"brief:x","data":"hi"}`, `{"result":{}}`},
		{"publish that skips history", "publish", `{"channel":"news","data":{},"skip_history":true}`, `{"result":{}}`},
		{"publish bytes", "publish", `{"channel":"news","b64data":"/wA="}`, `{"result":{"offset":3,"epoch":"` + epoch + `"}}`},
		{"publish once", "publish", `{"channel":"news","data":1,"idempotency_key":"k"}`, `{"result":{"offset":4,"epoch":"` + epoch + `"}}`},
		{"publish once more", "publish", `{"channel":"news","data":1,"idempotency_key":"k"}`, `{"result":{"offset":4,"epoch":"` + epoch + `"}}`},
		{"publish a version", "publish", `{"channel":"news","data":1,"version":7,"version_epoch":"e"}`, `{"result":{"offset":5,"epoch":"` + epoch + `"}}`},
		{"publish an older version", "publish", `{"channel":"news","data":1,"version":6,"version_epoch":"e"}`, `{"result":{"offset":5,"epoch":"` + epoch + `"}}`},
		{"fields of other versions are ignored", "publish", `{"channel":"brief:x","data":1,"delta":true,"future":1}`, `{"result":{}}`},
		{"broadcast answers for each", "broadcast", `{"channels":["news","brief:x","nobody:x",""],"data":{}}`,
			`{"result":{"responses":[{"result":{"offset":6,"epoch":"` + epoch + `"}},{"result":{}},{"error":{"code":102,"message":"unknown channel"}},{"error":{"code":107,"message":"bad request"}}]}}`},
		{"history is empty without a limit", "history", `{"channel":"news"}`, `{"result":{"publications":[],"epoch":"` + epoch + `","offset":6}}`},
		{"history", "history", `{"channel":"news","limit":3}`, `{"result":{"publications":[
			{"offset":1,"data":{"n":1},"tags":{"k":"v"}},{"offset":2,"data":{"n":2}},{"offset":3,"b64data":"/wA="}],"epoch":"` + epoch + `","offset":6}}`},
		{"history backwards", "history", `{"channel":"news","limit":1,"reverse":true}`, `{"result":{"publications":[{"offset":6,"data":{}}],"epoch":"` + epoch + `","offset":6}}`},
		{"history since", "history", `{"channel":"news","limit":-1,"since":{"offset":5,"epoch":"` + epoch + `"}}`, `{"result":{"publications":[{"offset":6,"data":{}}],"epoch":"` + epoch + `","offset":6}}`},
		{"history of another epoch", "history", `{"channel":"news","limit":-1,"since":{"offset":5,"epoch":"x"}}`, `{"error":{"code":112,"message":"unrecoverable position"}}`},
		{"presence", "presence", `{"channel":"news"}`, `{"result":{"presence":{"client-1":{"client":"client-1","user":"42","conn_info":{"name":"Ada"}},"client-2":{"client":"client-2","user":"42"}}}}`},
		{"presence_stats", "presence_stats", `{"channel":"news"}`, `{"result":{"num_clients":2,"num_users":1}}`},
		{"presence of nobody", "presence", `{"channel":"quiet"}`, `{"result":{"presence":{}}}`},
		{"channels", "channels", `{}`, `{"result":{"channels":{"news":{"num_clients":2}}}}`},
		{"channels of a pattern", "channels", `{"pattern":"x*"}`, `{"result":{"channels":{}}}`},
		{"channels of no body", "channels", ``, `{"result":{"channels":{"news":{"num_clients":2}}}}`},
		{"subscribe", "subscribe", `{"user":"42","channel":"news","override":{"presence":{"value":true}},"recover_since":{"offset":1,"epoch":"e"}}`, `{"result":{}}`},
		{"unsubscribe", "unsubscribe", `{"user":"42","channel":"news"}`, `{"result":{}}`},
		{"unsubscribe from a context", "unsubscribe", `{"user":"42","channel":"context:42"}`, `{"result":{}}`},
		{"disconnect", "disconnect", `{"user":"42","disconnect":{"code":4000,"reason":"bye"},"whitelist":["client-2"]}`, `{"result":{}}`},
		{"refresh", "refresh", `{"user":"42","expire_at":4000000000}`, `{"result":{}}`},
		{"history_remove", "history_remove", `{"channel":"news"}`, `{"result":{}}`},
		{"history that was removed", "history", `{"channel":"news","limit":-1}`, `{"result":{"publications":[],"epoch":"` + epoch + `","offset":6}}`},

		{"an unknown namespace", "publish", `{"channel":"nobody:x","data":{}}`, `{"error":{"code":102,"message":"unknown channel"}}`},
		{"a channel with entries", "publish", `{"channel":"context:c-42","data":{}}`, `{"error":{"code":103,"message":"permission denied"}}`},
		{"history of a channel with entries", "history", `{"channel":"board:s1","limit":-1}`, `{"error":{"code":103,"message":"permission denied"}}`},
		{"subscribe to a channel with entries", "subscribe", `{"user":"42","channel":"context:c-42"}`, `{"error":{"code":103,"message":"permission denied"}}`},
		{"no channel", "publish", `{"data":{}}`, `{"error":{"code":107,"message":"bad request"}}`},
		{"no data", "publish", `{"channel":"news"}`, `{"error":{"code":107,"message":"bad request"}}`},
		{"no base64", "publish", `{"channel":"news","b64data":"?"}`, `{"error":{"code":107,"message":"bad request"}}`},
		{"no channels", "broadcast", `{"data":{}}`, `{"error":{"code":107,"message":"bad request"}}`},
		{"nobody to disconnect", "disconnect", `{}`, `{"error":{"code":107,"message":"bad request"}}`},
		{"a code that is none", "disconnect", `{"user":"42","disconnect":{"code":200}}`, `{"error":{"code":107,"message":"bad request"}}`},
		{"a pattern that is none", "channels", `{"pattern":"["}`, `{"error":{"code":107,"message":"bad request"}}`},
		{"no presence there", "presence", `{"channel":"brief:x"}`, `{"error":{"code":108,"message":"not available"}}`},
		{"no history there", "history", `{"channel":"brief:x"}`, `{"error":{"code":108,"message":"not available"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			a := h.post("/api/"+c.method, key, c.body)
			if a.status != 200 || a.header.Get("Content-Type") != "application/json" {
				t.Fatalf("%d %v %s", a.status, a.header, a.body)
			}
			same(t, a.body, c.want)
		})
	}
}

func TestAPIInfo(t *testing.T) {
	h := open(t, nil)
	var got struct {
		Result struct {
			Nodes []map[string]any
		}
	}
	h.post("/api/info", key, `{}`).into(t, 200, &got)
	if len(got.Result.Nodes) != 1 {
		t.Fatalf("%+v", got)
	}
	node := got.Result.Nodes[0]
	for _, field := range []string{"uid", "name", "version", "num_clients", "num_users", "num_subs", "num_channels", "uptime"} {
		if _, ok := node[field]; !ok {
			t.Errorf("a node without %s: %v", field, node)
		}
	}
	if node["version"] != "1.2.3" || node["name"] != "samepage" {
		t.Errorf("node %v", node)
	}
}

func TestAPIBatch(t *testing.T) {
	h := open(t, nil)
	for _, parallel := range []string{"false", "true"} {
		a := h.post("/api/batch", key, `{"parallel":`+parallel+`,"commands":[
			{"publish":{"channel":"brief:x","data":{}}}, {"publish":{"channel":"context:c-42","data":{}}},
			{"presence_stats":{"channel":"news"}}, {"rpc":{"method":"x"}}, {}, {"publish":7}, {"batch":{"commands":[]}}]}`)
		same(t, a.body, `{"replies":[{"publish":{}},{"error":{"code":103,"message":"permission denied"}},
			{"presence_stats":{"num_clients":0,"num_users":0}},{"error":{"code":104,"message":"method not found"}},
			{"error":{"code":104,"message":"method not found"}},{"error":{"code":107,"message":"bad request"}},
			{"error":{"code":104,"message":"method not found"}}]}`)
	}
	many := `{"commands":[` + strings.Repeat(`{},`, web.MaxAPICommands) + `{}]}`
	same(t, h.post("/api/batch", key, many).body, `{"error":{"code":106,"message":"limit exceeded"}}`)
}

func TestAPICommandsOfOlderClients(t *testing.T) {
	h := open(t, nil)
	a := h.post("/api", key, `{"method":"publish","params":{"channel":"brief:x","data":{}}}`)
	same(t, a.body, `{"result":{}}`)
	a = h.post("/api", key, `{"id":1,"method":"publish","params":{"channel":"brief:x","data":{}}}
		{"id":2,"method":"nothing"}
		{"id":3,"method":"presence","params":{"channel":"brief:x"}}`)
	lines := strings.Split(string(a.body), "\n")
	want := []string{`{"id":1,"result":{}}`, `{"id":2,"error":{"code":104,"message":"method not found"}}`, `{"id":3,"error":{"code":108,"message":"not available"}}`}
	if fmt.Sprint(lines) != fmt.Sprint(want) {
		t.Errorf("answers %v", lines)
	}
	for _, body := range []string{"", "{", "7"} {
		if a := h.post("/api", key, body); a.status != 400 {
			t.Errorf("%q: %d %s", body, a.status, a.body)
		}
	}
}

func TestAPIRefusalsWithAStatus(t *testing.T) {
	h := open(t, nil)
	bearing := func(value string) http.Header { return http.Header{"Authorization": {value}} }
	for name, c := range map[string]struct {
		path   string
		header http.Header
		body   string
		status int
	}{
		"no key":              {"/api/publish", nobody, `{}`, 401},
		"a wrong key":         {"/api/publish", http.Header{"X-Api-Key": {apiKey + "x"}}, `{}`, 401},
		"a token is no key":   {"/api/publish", bearer(t, nil), `{}`, 401},
		"a key in the header": {"/api/publish", bearing("apikey " + apiKey), `{"channel":"brief:x","data":1}`, 200},
		"a key in the query":  {"/api/publish?api_key=" + url.QueryEscape(apiKey), nobody, `{"channel":"brief:x","data":1}`, 200},
		"a wrong key there":   {"/api/publish?api_key=x", nobody, `{"channel":"brief:x","data":1}`, 401},
		"no key to /api":      {"/api", nobody, `{}`, 401},
		"no JSON":             {"/api/publish", key, `{"channel":`, 400},
		"another shape":       {"/api/publish", key, `{"channel":7}`, 400},
		"an unknown method":   {"/api/rpc", key, `{}`, 404},
		"too large":           {"/api/publish", key, strings.Repeat(" ", web.MaxBatchBody+1), 413},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			if a := h.post(c.path, c.header, c.body); a.status != c.status {
				t.Errorf("%d, want %d: %s", a.status, c.status, a.body)
			}
		})
	}
}

func TestAPIRefusesWithAStatusWhoAsksForIt(t *testing.T) {
	h := open(t, nil)
	header := http.Header{"X-Api-Key": {apiKey}, "X-Centrifugo-Error-Mode": {"transport"}}
	for _, c := range []struct {
		method, body string
		status       int
		want         string
	}{
		{"publish", `{"channel":"nobody:x","data":1}`, 404, `{"code":102,"message":"unknown channel"}`},
		{"publish", `{"channel":"context:c-42","data":1}`, 403, `{"code":103,"message":"permission denied"}`},
		{"publish", `{"channel":"news"}`, 400, `{"code":107,"message":"bad request"}`},
		{"history", `{"channel":"brief:x"}`, 400, `{"code":108,"message":"not available"}`},
		{"history", `{"channel":"news","since":{"offset":1,"epoch":"x"}}`, 416, `{"code":112,"message":"unrecoverable position"}`},
		{"publish", `{"channel":"brief:x","data":1}`, 200, `{"result":{}}`},
	} {
		a := h.post("/api/"+c.method, header, c.body)
		if same(t, a.body, c.want); a.status != c.status {
			t.Errorf("%s: %d, want %d", c.body, a.status, c.status)
		}
	}
}

func TestInsecureAPINeedsNoKeyButNoForeignPage(t *testing.T) {
	h := open(t, func(_ *boltOptions, _ *hubOptions, o *webOptions) { o.APIKey, o.APIInsecure = "", true })
	body := `{"channel":"brief:x","data":` + `"` + base64.StdEncoding.EncodeToString([]byte("x")) + `"}`
	if a := h.post("/api/publish", nobody, body); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.post("/api/publish", http.Header{"Sec-Fetch-Site": {"cross-site"}}, body); a.status != 403 {
		t.Errorf("from a page of another site: %d %s", a.status, a.body)
	}
	h.post("/v1/commands/note.write", nobody, `{}`).problem(t, 401, "unauthorized")
}
