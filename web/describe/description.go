package describe

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
	"github.com/samepage/samepage/web"
)

// Options say what there is to describe.
type Options struct {
	Models   []hub.Model
	Version  string
	Settings []Setting // of the configuration
}

// Setting is one key of the configuration.
type Setting struct{ Key, Variable, Default, Help string }

// Description is everything that there is to say. It is not changed once made.
type Description struct {
	Version   string
	Nouns     []Noun
	Entries   []Entry
	Events    []Event
	Problems  []Problem
	Codes     []Code
	Endpoints []Endpoint
	Claims    []Claim
	Settings  []Setting
	Shapes    []Shape

	schemas *schemas
	calls   map[string][]Call
}

// Noun is a group of commands: "cart".
type Noun struct {
	Name     string
	Commands []Command
}

// Command is one command. Roles is empty where only the hub itself calls it.
type Command struct {
	Name, Summary string
	Kinds         []string // of channel that it addresses; none: it addresses no channel
	Finds         bool     // the channel, where the caller names none
	Roles         []hub.Role
	Mode          hub.Mode
	ModeWords     string
	Fields        []Field
	Problems      []Problem // its own; those that any command may answer are left out
	Calls         []Call

	args  reflect.Type
	rules rules
}

// wellFormed are the examples whose requests follow the schema: all but those
// that show what becomes of one that does not.
func (c Command) wellFormed() []Call {
	malformed := (&hub.Problem{Code: hub.CodeInvalid}).Status()
	return slices.DeleteFunc(slices.Clone(c.Calls), func(call Call) bool { return call.Status == malformed })
}

// Entry is one kind of entry, with who sees what of it.
type Entry struct {
	hub.EntryDoc
	Comment string
	Fields  []Field
	Sights  []Sight
}

// Sight is what a role sees.
type Sight struct {
	Role  hub.Role
	Words string
}

// Event is a type of event, with one that happened.
type Event struct {
	hub.EventDoc
	EventSeen
}

// Problem is a code with its HTTP status.
type Problem struct {
	Code, Summary string
	Status        int
}

// New describes models.
func New(o Options) (*Description, error) {
	r, err := recorded()
	if err != nil {
		return nil, err
	}
	d := &Description{Version: o.Version, Settings: o.Settings, Claims: claims, schemas: newSchemas(r.Comments), calls: r.Calls}
	problems := map[string]Problem{}
	add := func(docs []hub.ProblemDoc) {
		for _, p := range docs {
			problem := Problem{p.Code, p.Summary, (&hub.Problem{Code: p.Code}).Status()}
			problems[p.Code] = problem
			d.Problems = append(d.Problems, problem)
		}
	}
	add(hub.GenericProblems())
	for _, m := range o.Models {
		add(m.Docs.Problems)
	}
	all := slices.Clone(signals) // of which sessions knows, and no model
	for i := range all {
		all[i].Calls = r.Calls[all[i].Name]
	}
	for _, m := range o.Models {
		docs := map[string]hub.MethodDoc{}
		for _, doc := range m.Docs.Methods {
			docs[doc.Name] = doc
		}
		for _, method := range m.Methods {
			doc, ok := docs[method.Name]
			if !ok && len(method.Roles) == 0 {
				continue // the hub's own affair
			}
			rules := rulesOf(method.Args)
			c := Command{
				Name: method.Name, Kinds: kindsOf(method), Finds: method.Finds(), Summary: doc.Summary, Roles: method.Roles, Mode: method.Mode,
				ModeWords: modes[method.Mode], Calls: r.Calls[method.Name], args: method.Args, rules: rules,
				Fields: d.schemas.fieldsOf(method.Args, rules),
			}
			for _, code := range doc.Problems {
				p, ok := problems[code]
				if !ok {
					return nil, fmt.Errorf("%s: the problem %s is not described", method.Name, code)
				}
				c.Problems = append(c.Problems, p)
			}
			all = append(all, c)
		}
		for _, e := range m.Docs.Entries {
			d.Entries = append(d.Entries, Entry{
				EntryDoc: e, Comment: clean(d.schemas.comment(e.Doc, "")),
				Fields: d.schemas.fieldsOf(e.Doc, nil), Sights: sightsOf(m, e),
			})
		}
		for _, e := range m.Docs.Events {
			d.Events = append(d.Events, Event{e, r.Events[e.Type]})
		}
	}
	d.group(all)
	d.Shapes = d.shapesOf()
	for _, c := range sessions.Codes() {
		d.Codes = append(d.Codes, Code{*c, codeWords[c.Code]})
	}
	d.Endpoints = slices.Concat(endpoints, apiEndpoints(web.APIMethods()))
	d.documents()
	return d, nil
}

// group sorts commands by the word before the dot, in the order they came.
func (d *Description) group(all []Command) {
	at := map[string]int{}
	for _, c := range all {
		noun, _, _ := strings.Cut(c.Name, ".")
		i, ok := at[noun]
		if !ok {
			i = len(d.Nouns)
			at[noun] = i
			d.Nouns = append(d.Nouns, Noun{Name: noun})
		}
		d.Nouns[i].Commands = append(d.Nouns[i].Commands, c)
	}
	slices.SortStableFunc(d.Nouns, func(a, b Noun) int { return cmp.Compare(rank(a), rank(b)) })
}

// rank puts signals last.
func rank(n Noun) int {
	if n.Name == "signal" {
		return 1
	}
	return 0
}

// Commands are all that somebody may call.
func (d *Description) Commands() []Command {
	var all []Command
	for _, n := range d.Nouns {
		for _, c := range n.Commands {
			if len(c.Roles) > 0 {
				all = append(all, c)
			}
		}
	}
	return all
}

func kindsOf(m hub.Method) []string {
	if m.Kind == "" {
		return m.Kinds
	}
	return append([]string{m.Kind}, m.Kinds...)
}

var modes = map[hub.Mode]string{
	hub.ModeCommutes: "any order is fine: no version is asked for",
	hub.ModeGuarded:  "guarded by the state it finds",
	hub.ModeVersion:  "if_version is required",
	hub.ModeOptional: "if_version is optional",
}

// sightsOf says who sees what of an entry, in the order of the roles.
func sightsOf(m hub.Model, e hub.EntryDoc) []Sight {
	var all []Sight
	for _, s := range m.Sights {
		if s.Channel != e.Channel || s.Entry != e.Entry {
			continue
		}
		for _, role := range roles {
			sight, ok := s.Roles[role]
			if !ok {
				continue
			}
			words := "all of it"
			switch {
			case len(sight.Show) > 0:
				words = "only " + strings.Join(sight.Show, ", ")
			case len(sight.Hide) > 0:
				words = "all but " + strings.Join(sight.Hide, ", ")
			}
			if sight.If != nil {
				words += ", of some"
			}
			all = append(all, Sight{role, words})
		}
	}
	return all
}

var roles = []hub.Role{
	hub.RoleGuest, hub.RoleCustomer, hub.RoleBot, hub.RolePOS, hub.RoleAgent, hub.RoleSupervisor, hub.RoleService,
}

// Shape is a type that is explained once.
type Shape struct {
	Name, Summary string
	Fields        []Field
}

func (d *Description) shapesOf() []Shape {
	var all []Shape
	for t, name := range shapes {
		words, ok := shapeWords[name]
		if !ok {
			continue
		}
		shape := Shape{Name: name, Summary: words}
		if t != timeType {
			shape.Fields = d.schemas.fieldsOf(t, nil)
		}
		all = append(all, shape)
	}
	slices.SortFunc(all, func(a, b Shape) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

var shapeWords = map[string]string{
	"time":    "An instant in UTC with milliseconds: 2026-11-23T09:00:00.123Z. Any RFC 3339 time is taken.",
	"money":   "An amount in minor units of an ISO 4217 currency: {\"amount\":450,\"currency\":\"USD\"} is 4.50 dollars, {\"amount\":450,\"currency\":\"JPY\"} is 450 yen.",
	"actor":   "Who did something. Customers and bots learn of staff the role and the display name only.",
	"channel": "The name of a channel: kind:id, such as context:c-42.",
}
