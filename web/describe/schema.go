package describe

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/invopop/jsonschema"

	"github.com/samepage/samepage/hub"
)

// schemas makes JSON Schemas (2020-12) of Go types, each named once.
type schemas struct {
	reflector *jsonschema.Reflector
	comments  map[string]string
	names     map[reflect.Type]string
	taken     map[string]bool
	all       map[string]*jsonschema.Schema
}

var timeType = reflect.TypeFor[hub.Time]()

func newSchemas(comments map[string]string) *schemas {
	s := &schemas{
		comments: comments, names: map[reflect.Type]string{}, taken: map[string]bool{}, all: map[string]*jsonschema.Schema{},
	}
	s.reflector = &jsonschema.Reflector{
		Anonymous:                  true,
		RequiredFromJSONSchemaTags: true, // an audience may see less of a document; what arguments need, their checks say
		Namer:                      s.name,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			switch t {
			case timeType:
				return &jsonschema.Schema{Type: "string", Format: "date-time"}
			case reflect.TypeFor[json.RawMessage]():
				return &jsonschema.Schema{Description: "Any JSON."}
			}
			return nil
		},
		LookupComment: func(t reflect.Type, field string) string { return s.comment(t, field) },
	}
	return s
}

// name is what a type is called in the description: its own name, with its
// package's before it where two share one.
func (s *schemas) name(t reflect.Type) string {
	if name, ok := s.names[t]; ok {
		return name
	}
	if t.Name() == "" {
		return "" // stands where it is used
	}
	name := capital(strings.TrimPrefix(t.Name(), "api"))
	if strings.HasPrefix(t.Name(), "api") {
		name = "API" + name
	}
	if i := strings.IndexByte(name, '['); i >= 0 {
		name = name[:i]
	}
	if s.taken[name] {
		name = capital(path.Base(t.PkgPath())) + name
	}
	if s.taken[name] {
		panic(fmt.Sprintf("describe: two types are called %s", name))
	}
	s.names[t], s.taken[name] = name, true
	return name
}

// of is the schema of a type, as a reference to its definition.
func (s *schemas) of(t reflect.Type) *jsonschema.Schema {
	schema := s.reflector.ReflectFromType(t)
	for name, d := range schema.Definitions {
		if _, ok := s.all[name]; !ok {
			s.all[name] = d
		}
	}
	schema.Definitions, schema.Version, schema.ID = nil, "", ""
	return schema
}

// comment is what the source says of a type, or of a field of it.
func (s *schemas) comment(t reflect.Type, field string) string {
	key := t.PkgPath() + "." + t.Name()
	if field != "" {
		key += "." + field
	}
	return s.comments[strings.TrimPrefix(key, module)]
}

const module = "github.com/samepage/samepage/"

func capital(word string) string {
	r, n := utf8.DecodeRuneInString(word)
	if n == 0 {
		return word
	}
	return string(unicode.ToUpper(r)) + word[n:]
}
