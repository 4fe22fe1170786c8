package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Mode says how a method treats if_version.
type Mode byte

// The modes of the documentation: C takes no version, G is guarded by state
// and takes none, V requires versions, v checks them where given. A version
// that is given is checked in every mode.
const (
	ModeCommutes Mode = 'C'
	ModeGuarded  Mode = 'G'
	ModeVersion  Mode = 'V' // the method calls [Tx.RequireVersion] for the keys it decides on
	ModeOptional Mode = 'v'
)

// Method is one row of a model's table of commands.
type Method struct {
	Name  string   // "cart.add_line"
	Kind  string   // the kind of channel it addresses
	Kinds []string // further kinds, of a method that is at home in no one domain
	Roles []Role   // who may call it at all; RoleSystem may call everything
	Mode  Mode
	Args  reflect.Type // the argument struct

	// OnAlias makes it run on a channel that is an alias rather than on the one that is meant.
	OnAlias bool
	// Outlives makes it run on a channel that was erased, which otherwise answers gone.
	Outlives bool
	// Also names channels that the caller must be able to address besides Command.On. nil: none.
	Also func(args json.RawMessage) []Channel

	find   func(ctx context.Context, q *Query, raw json.RawMessage) (Channel, *Problem)
	decide func(tx *Tx, raw json.RawMessage) *Problem
	query  func(ctx context.Context, q *Query, raw json.RawMessage) (Answer, *Problem)
}

// Checker is implemented by arguments that have rules beyond their types.
type Checker interface {
	// Check adds what is wrong, each under its JSON Pointer ("/quantity").
	Check(f Faults)
}

// NewMethod makes a row. Args are decoded strictly ([DecodeArgs]) and checked
// if they implement [Checker] before decide sees them.
//
// decide is pure: everything it may know is in tx and args; it returns nil
// after writing to tx (or writing nothing: a command that changes nothing),
// or the refusal. It may run several times for one command.
func NewMethod[A any](name, kind string, mode Mode, roles []Role, decide func(tx *Tx, args A) *Problem) Method {
	return Method{
		Name: name, Kind: kind, Roles: roles, Mode: mode, Args: reflect.TypeFor[A](),
		decide: func(tx *Tx, raw json.RawMessage) *Problem {
			args, p := DecodeArgs[A](raw)
			if p != nil {
				return p
			}
			return decide(tx, args)
		},
	}
}

// Finding makes a method find its channel where the caller names none: whoever
// brings in what happened elsewhere may not know whose it is. Retries find the
// same one, or their ids are not known.
func Finding[A any](m Method, find func(ctx context.Context, q *Query, args A) (Channel, *Problem)) Method {
	m.find = func(ctx context.Context, q *Query, raw json.RawMessage) (Channel, *Problem) {
		args, p := DecodeArgs[A](raw)
		if p != nil {
			return "", p
		}
		return find(ctx, q, args)
	}
	return m
}

// Guard makes a check of its own come before the decision.
func (m Method) Guard(check func(tx *Tx) *Problem) Method {
	decide := m.decide
	m.decide = func(tx *Tx, raw json.RawMessage) *Problem {
		if p := check(tx); p != nil {
			return p
		}
		return decide(tx, raw)
	}
	return m
}

// Finds reports whether the method finds its channel where the caller names none.
func (m Method) Finds() bool { return m.find != nil }

// Allows reports whether a role may call the method at all.
func (m Method) Allows(r Role) bool { return r == RoleSystem || slices.Contains(m.Roles, r) }

// Addresses reports whether the method is one of a kind of channel.
func (m Method) Addresses(kind string) bool { return kind == m.Kind || slices.Contains(m.Kinds, kind) }

// Model is what a domain brings: its commands and what each audience sees of its entries.
type Model struct {
	Methods []Method
	Sights  []EntrySight
	// Events says which fields of an event's data other roles than service, agent and
	// supervisor (who see all of it) get: event type -> role -> what.
	Events map[string]map[Role]Sight
	Docs   Docs // what the API's description says of all this
}

// Methods is the table of all commands by name.
type Methods map[string]Method

// NewMethods joins the models' tables. A name that stands twice is a programmer's mistake.
func NewMethods(models ...Model) Methods {
	all := Methods{}
	for _, model := range models {
		for _, m := range model.Methods {
			if _, ok := all[m.Name]; ok {
				panic(fmt.Sprintf("hub: method %s is in two tables", m.Name))
			}
			all[m.Name] = m
		}
	}
	return all
}
