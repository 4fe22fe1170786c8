package custom

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"

	"github.com/samepage/samepage/hub"
)

// MaxEntries is how many entries of one kind a channel holds.
const MaxEntries = 200

// maxID is the longest id of an entry, in bytes.
const maxID = 64

// Put is entry.put: the whole document.
type Put struct {
	Key string          `json:"key"`
	Doc json.RawMessage `json:"doc"`
}

// Merge is entry.merge: a merge patch (RFC 7386) of an entry that is there.
type Merge struct {
	Key   string          `json:"key"`
	Patch json.RawMessage `json:"patch"`
}

// Remove is entry.remove. One that is not there is removed already.
type Remove struct {
	Key string `json:"key"`
}

// Check implements [hub.Checker].
func (a *Put) Check(f hub.Faults) {
	checkKey(f, a.Key)
	checkObject(f, "/doc", a.Doc)
	noNulls(f, "/doc", a.Doc)
}

// Check implements [hub.Checker].
func (a *Merge) Check(f hub.Faults) {
	checkKey(f, a.Key)
	checkObject(f, "/patch", a.Patch)
}

// Check implements [hub.Checker].
func (a *Remove) Check(f hub.Faults) { checkKey(f, a.Key) }

func checkKey(f hub.Faults, key string) {
	_, id, ok := strings.Cut(key, "/")
	switch {
	case !ok || id == "":
		f.Add("/key", "must read KIND/ID")
	case len(id) > maxID:
		f.Add("/key", "must have an id of at most %d bytes", maxID)
	case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == unicode.ReplacementChar || !unicode.IsPrint(r) }):
		f.Add("/key", "must be printable, without spaces")
	}
}

func checkObject(f hub.Faults, at string, raw json.RawMessage) {
	if b := bytes.TrimSpace(raw); len(b) == 0 || b[0] != '{' {
		f.Add(at, "must be an object")
	}
}

// noNulls holds a document to what patches can say: a field that is null cannot be told from none.
func noNulls(f hub.Faults, at string, raw json.RawMessage) {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case nil:
			f.Add(at, "must not be null; leave it out")
		case map[string]any:
			for name, inner := range v {
				walk(pointer(at, name), inner)
			}
		case []any:
			for i, inner := range v {
				walk(at+"/"+strconv.Itoa(i), inner)
			}
		}
	}
	walk(at, v)
}

// pointer is the JSON Pointer of a field below at.
func pointer(at, name string) string {
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func (all kinds) methods(callers []hub.Role) []hub.Method {
	var where []string
	for _, channel := range channels {
		if all[channel] != nil {
			where = append(where, channel)
		}
	}
	methods := []hub.Method{
		hub.NewMethod("entry.put", where[0], hub.ModeOptional, callers, all.put),
		hub.NewMethod("entry.merge", where[0], hub.ModeOptional, callers, all.merge),
		hub.NewMethod("entry.remove", where[0], hub.ModeOptional, callers, all.remove),
	}
	for i := range methods {
		methods[i].Kinds = where[1:]
	}
	return methods
}

// kind is the declared kind of a key, which the caller may write on this channel.
func (all kinds) kind(tx *hub.Tx, key string) (*kind, *hub.Problem) {
	k := all[tx.Command.On.Kind()][hub.EntryKind(key)]
	if k == nil {
		return nil, hub.Faults{"/key": "is of no kind that is declared for a " + tx.Command.On.Kind()}.Problem()
	}
	if role := tx.Command.Caller.Role; role != hub.RoleSystem && k.Roles[string(role)] != Write {
		return nil, hub.Problemf(hub.CodeForbidden, "%s entries are not for the role %s to write", k.Kind.Kind, role)
	}
	return k, nil
}

func (all kinds) put(tx *hub.Tx, args Put) *hub.Problem {
	k, p := all.kind(tx, args.Key)
	if p != nil {
		return p
	}
	f := hub.Faults{}
	k.validate(f, "/doc", args.Doc)
	if p := f.Problem(); p != nil {
		return p
	}
	if p := k.room(tx, args.Key); p != nil {
		return p
	}
	tx.Put(args.Key, args.Doc)
	tx.Emit("entry.put", nil)
	return nil
}

func (all kinds) merge(tx *hub.Tx, args Merge) *hub.Problem {
	k, p := all.kind(tx, args.Key)
	if p != nil {
		return p
	}
	var before json.RawMessage
	if !tx.Get(args.Key, &before) {
		return hub.Problemf(hub.CodeNotFound, "there is no %s", args.Key).With(map[string]any{"key": args.Key})
	}
	after := hub.Apply(before, args.Patch)
	f := hub.Faults{}
	noNulls(f, "/patch", after) // in lists: elsewhere they took something out
	k.validate(f, "/patch", after)
	if p := f.Problem(); p != nil {
		return p
	}
	tx.Put(args.Key, after)
	tx.Emit("entry.merged", nil)
	return nil
}

func (all kinds) remove(tx *hub.Tx, args Remove) *hub.Problem {
	if _, p := all.kind(tx, args.Key); p != nil {
		return p
	}
	tx.Delete(args.Key)
	tx.Emit("entry.removed", nil)
	return nil
}

// room refuses one entry more than a channel holds of a kind.
func (k *kind) room(tx *hub.Tx, key string) *hub.Problem {
	if tx.Has(key) {
		return nil
	}
	n := 0
	for range tx.Keys(k.Kind.Kind + "/") {
		n++
	}
	if n >= MaxEntries {
		return hub.Problemf(hub.CodeTooLarge, "%s entries of a channel: at most %d", k.Kind.Kind, MaxEntries).
			With(map[string]any{"what": k.Kind.Kind, "limit": MaxEntries})
	}
	return nil
}
