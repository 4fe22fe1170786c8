package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/samepage/samepage/hub"
)

// person is somebody of the demo, with what their token says.
type person struct {
	Role    hub.Role `json:"role"`
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Context string   `json:"context,omitempty"`
	Store   string   `json:"store,omitempty"`
	Queues  []string `json:"queues,omitempty"`
}

var demoPeople = []person{
	{Role: hub.RoleCustomer, ID: "c-42", Name: "Maya", Context: "c-42"},
	{Role: hub.RoleCustomer, ID: "c-7", Name: "Tom", Context: "c-7"},
	{Role: hub.RolePOS, ID: "pos-s1-1", Name: "Market Street till", Store: "s1"},
	{Role: hub.RolePOS, ID: "pos-s2-1", Name: "Harbour till", Store: "s2"},
	{Role: hub.RoleAgent, ID: "anna", Name: "Anna", Queues: []string{"support"}},
	{Role: hub.RoleAgent, ID: "ben", Name: "Ben", Queues: []string{"support"}},
	{Role: hub.RoleSupervisor, ID: "sam", Name: "Sam", Queues: []string{"support"}},
}

var demoBot = person{Role: hub.RoleBot, ID: "crumb", Name: "Crumb", Queues: []string{"support"}}

// demoSessions hands out the tokens of the demo's people to whoever asks on
// this machine:
//
//	GET /demo/session?role=customer&id=c-42
//	{"token":…,"role","id","name","context","store","queues"}
//
// Without an id it is the first of that role, with one that is new a newcomer;
// without a role, everybody is listed.
type demoSessions struct {
	key              Secret
	audience, issuer string
	now              func() time.Time
}

// ServeHTTP implements [http.Handler].
func (d *demoSessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case !fromHere(r):
		http.Error(w, "the demo is for this machine only", http.StatusForbidden)
	case r.URL.Path != "/demo/session":
		http.NotFound(w, r)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
	case !r.URL.Query().Has("role"):
		answerJSON(w, map[string]any{"people": demoPeople})
	default:
		d.session(w, hub.Role(r.URL.Query().Get("role")), r.URL.Query().Get("id"))
	}
}

func (d *demoSessions) session(w http.ResponseWriter, role hub.Role, id string) {
	p, ok := someone(role, id)
	if !ok {
		http.Error(w, "the demo has customers, tills (pos), agents and a supervisor, with ids like c-42, pos-s1-1, anna", http.StatusNotFound)
		return
	}
	token, err := mint(d.key, p.claims(d.audience, d.issuer), d.now(), 30*24*time.Hour)
	if err != nil {
		http.Error(w, "no token could be made", http.StatusInternalServerError)
		return
	}
	answerJSON(w, struct {
		Token string `json:"token"`
		person
	}{token, p})
}

var demoID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// someone is a person of the demo, or a newcomer who is like the first of that role.
func someone(role hub.Role, id string) (person, bool) {
	i := slices.IndexFunc(demoPeople, func(p person) bool { return p.Role == role && (id == "" || p.ID == id) })
	if i >= 0 {
		return demoPeople[i], true
	}
	i = slices.IndexFunc(demoPeople, func(p person) bool { return p.Role == role })
	if i < 0 || !demoID.MatchString(id) {
		return person{}, false
	}
	p := demoPeople[i]
	p.ID, p.Name = id, id
	if role == hub.RoleCustomer {
		p.Context = id
	}
	if strings.HasPrefix(id, "pos-s2-") {
		p.Store = "s2"
	}
	return p, true
}

func (p person) claims(audience, issuer string) claims {
	c := claims{
		Sub: p.ID, Role: string(p.Role), Name: p.Name, Context: p.Context, Store: p.Store, Queues: p.Queues,
		Audience: audience, Issuer: issuer, Info: fmt.Appendf(nil, "{\"name\":%q}", p.Name),
	}
	if p.Role == hub.RolePOS {
		c.Device = p.ID
	}
	return c
}

// fromHere reports whether a request comes from this machine and is meant for
// it: a page of another site that made its name point here is turned away.
func fromHere(r *http.Request) bool {
	remote, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !net.ParseIP(remote).IsLoopback() {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
}
