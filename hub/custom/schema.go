package custom

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/samepage/samepage/hub"
)

// closed loads no schema from anywhere: one that refers to files or addresses is refused.
type closed struct{}

func (closed) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is elsewhere; a schema must hold all it refers to", url)
}

// compile makes a validator of a schema, by draft 2020-12 unless it says
// otherwise; nil where there is none.
func compile(name string, schema any) (*jsonschema.Schema, error) {
	if schema == nil {
		return nil, nil
	}
	raw, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(closed{})
	c.AssertFormat()
	url := "samepage:///" + name + ".json"
	if err := c.AddResource(url, doc); err != nil {
		return nil, err
	}
	return c.Compile(url)
}

// english prints what is wrong with a document.
var english = message.NewPrinter(language.English)

// validate notes what is wrong with a document, each fault under its pointer below at.
func (k *kind) validate(f hub.Faults, at string, doc json.RawMessage) {
	if k.schema == nil {
		return
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		f.Add(at, "is no JSON")
		return
	}
	err = k.schema.Validate(v)
	if err == nil {
		return
	}
	invalid, ok := err.(*jsonschema.ValidationError)
	if !ok {
		f.Add(at, "%v", err)
		return
	}
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			where := at
			for _, name := range e.InstanceLocation {
				where = pointer(where, name)
			}
			f.Add(where, "%s", e.ErrorKind.LocalizedString(english))
		}
	}
	walk(invalid)
}
