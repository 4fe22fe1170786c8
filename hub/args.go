package hub

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// DecodeArgs reads a command's arguments into A, strictly: every field that A
// does not know and every value of the wrong type is a fault with its JSON
// Pointer, and so is whatever A's Check (see [Checker]) finds. Absent
// arguments are an empty object.
func DecodeArgs[A any](raw json.RawMessage) (A, *Problem) {
	var args A
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage("{}")
	}
	faults := Faults{}
	if !json.Valid(raw) {
		faults.Add("", "must be JSON")
		return args, faults.Problem()
	}
	shape(raw, reflect.TypeFor[A](), "", faults)
	if len(faults) == 0 {
		if err := json.Unmarshal(raw, &args); err != nil {
			faults.Add("", "%v", err)
		}
	}
	if len(faults) == 0 {
		if c, ok := any(&args).(Checker); ok {
			c.Check(faults)
		}
	}
	return args, faults.Problem()
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// shape walks a value and a type side by side and notes where they part.
func shape(raw json.RawMessage, t reflect.Type, at string, f Faults) {
	for t.Kind() == reflect.Pointer {
		if isNull(raw) {
			return
		}
		t = t.Elem()
	}
	if p := reflect.PointerTo(t); p.Implements(unmarshaler) || p.Implements(textUnmarshaler) {
		if err := json.Unmarshal(raw, reflect.New(t).Interface()); err != nil {
			f.Add(at, "%s", plainError(err))
		}
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if !isObject(raw) {
			f.Add(at, "must be an object")
			return
		}
		known := fieldsOf(t)
		var members [16]field
		for _, m := range fields(raw, members[:0]) {
			name := m.key()
			if ft, ok := known[name]; ok {
				shape(m.value, ft, at+"/"+escapePointer(name), f)
			} else {
				f.Add(at+"/"+escapePointer(name), "unknown field")
			}
		}
	case reflect.Map:
		if !isObject(raw) {
			f.Add(at, "must be an object")
			return
		}
		for _, m := range fields(raw, nil) {
			shape(m.value, t.Elem(), at+"/"+escapePointer(m.key()), f)
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			break
		}
		if i := space(raw, 0); i >= len(raw) || raw[i] != '[' {
			f.Add(at, "must be a list")
			return
		}
		for i, item := range items(raw, nil) {
			shape(item, t.Elem(), at+"/"+strconv.Itoa(i), f)
		}
		return
	case reflect.Interface:
		return
	case reflect.String:
		if i := space(raw, 0); i >= len(raw) || raw[i] != '"' {
			f.Add(at, "must be %s", article(t))
		}
	default:
		if isNull(raw) || json.Unmarshal(raw, reflect.New(t).Interface()) != nil {
			f.Add(at, "must be %s", article(t))
		}
	}
}

// shapes remembers what [fieldsOf] found.
var shapes sync.Map // reflect.Type -> map[string]reflect.Type

// fieldsOf maps the JSON names of a struct's fields to their types, embedded ones included.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if known, ok := shapes.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if !f.IsExported() || f.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields[name] = f.Type
	}
	shapes.Store(t, fields)
	return fields
}

// escapePointer writes a name as a reference token of RFC 6901.
func escapePointer(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func article(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number of at least 0"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	}
	return fmt.Sprintf("a %s", t.Kind())
}

func plainError(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "json: "), "parsing time ")
}
