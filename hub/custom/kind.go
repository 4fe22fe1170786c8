package custom

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/samepage/samepage/hub"
)

// What a role may do with entries of a kind.
const (
	Read  = "read"
	Write = "write" // and read
)

// Kind is one kind of entry that an operator declares.
type Kind struct {
	Kind    string            // the part of the key before the slash: "repair"
	Channel string            // the kind of channel: context, store or catalog
	Schema  any               // JSON Schema of the document, decoded JSON; nil: any object
	Roles   map[string]string // role -> read or write
}

var (
	kindName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	channels = []string{hub.KindContext, hub.KindStore, hub.KindCatalog}
	roles    = []hub.Role{
		hub.RoleGuest, hub.RoleCustomer, hub.RolePOS, hub.RoleAgent, hub.RoleSupervisor, hub.RoleService, hub.RoleBot,
	}
)

// kind is a Kind that was found good.
type kind struct {
	Kind
	schema *jsonschema.Schema
}

// kinds are all of them: channel -> kind.
type kinds map[string]map[string]*kind

// Model makes the commands and rows of declared kinds. The error names the
// first that cannot be: a name that is none or that one of the other models
// has, an unknown channel or role, a schema that is none.
func Model(declared []Kind, others ...hub.Model) (hub.Model, error) {
	if len(declared) == 0 {
		return hub.Model{}, nil
	}
	all := kinds{}
	var sights []hub.EntrySight
	writers := map[hub.Role]bool{}
	for i, d := range declared {
		k, err := check(d, others)
		if err != nil {
			return hub.Model{}, fmt.Errorf("entries[%d]: %w", i, err)
		}
		if all[d.Channel] == nil {
			all[d.Channel] = map[string]*kind{}
		}
		if all[d.Channel][d.Kind] != nil {
			return hub.Model{}, fmt.Errorf("entries[%d]: %s is declared twice", i, d.Kind)
		}
		all[d.Channel][d.Kind] = k
		row := hub.EntrySight{Channel: d.Channel, Entry: d.Kind, Roles: map[hub.Role]hub.Sight{}}
		for role, right := range d.Roles {
			row.Roles[hub.Role(role)] = hub.Sight{}
			if right == Write {
				writers[hub.Role(role)] = true
			}
		}
		sights = append(sights, row)
	}
	callers := slices.Sorted(maps.Keys(writers))
	return hub.Model{Sights: sights, Methods: all.methods(callers), Docs: docs()}, nil
}

// docs explains the commands. What documents look like is the operator's to
// say; in the examples there are repairs, with an item and a state.
func docs() hub.Docs {
	const mara hub.Channel = "context:c-42"
	return hub.Docs{
		Methods: []hub.MethodDoc{
			{Name: "entry.put", Summary: "Writes the whole document of an entry of a declared kind: key is KIND/ID. A document that its schema does not allow is invalid, each fault with its JSON Pointer.", Examples: []hub.Example{
				{As: hub.RoleAgent, On: mara, Args: `{"key":"repair/r1","doc":{"item":"Grinder","state":"received"}}`},
				{As: hub.RoleAgent, On: mara, Args: `{"key":"repair/r1","doc":{"state":"lost"}}`, Problem: hub.CodeInvalid},
			}},
			{Name: "entry.merge", Summary: "Changes an entry by a merge patch (RFC 7386). What comes out must be what the kind's schema allows.", Examples: []hub.Example{
				{As: hub.RoleAgent, On: mara, Args: `{"key":"repair/r1","patch":{"state":"done"}}`, Versions: []string{"repair/r1"}},
				{As: hub.RoleAgent, On: mara, Args: `{"key":"repair/r9","patch":{"state":"done"}}`, Problem: hub.CodeNotFound},
			}},
			{Name: "entry.remove", Summary: "Removes an entry. One that is not there is removed already.", Examples: []hub.Example{
				{As: hub.RoleAgent, On: mara, Args: `{"key":"repair/r1"}`},
			}},
		},
		Events: []hub.EventDoc{
			{Type: "entry.put", Summary: "An entry of a declared kind was written."},
			{Type: "entry.merged", Summary: "An entry of a declared kind was changed."},
			{Type: "entry.removed", Summary: "An entry of a declared kind was removed."},
		},
	}
}

func check(d Kind, others []hub.Model) (*kind, error) {
	if !kindName.MatchString(d.Kind) {
		return nil, fmt.Errorf("kind: %q must be 1 to 32 of a-z, 0-9 and _, a letter first", d.Kind)
	}
	if !slices.Contains(channels, d.Channel) {
		return nil, fmt.Errorf("channel: %q must be context, store or catalog", d.Channel)
	}
	for _, m := range others {
		for _, row := range m.Sights {
			if row.Channel == d.Channel && row.Entry == d.Kind {
				return nil, fmt.Errorf("kind: %s is what a %s has already; take another name", d.Kind, d.Channel)
			}
		}
	}
	for _, role := range slices.Sorted(maps.Keys(d.Roles)) {
		if !slices.Contains(roles, hub.Role(role)) {
			return nil, fmt.Errorf("roles: %q is no role", role)
		}
		if right := d.Roles[role]; right != Read && right != Write {
			return nil, fmt.Errorf("roles.%s: %q must be read or write", role, right)
		}
	}
	schema, err := compile(d.Kind, d.Schema)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &kind{d, schema}, nil
}
