package hub_test

import (
	"bytes"
	"encoding/json"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/samepage/samepage/hub"
	"pgregory.net/rapid"
)

// document draws JSON objects without nulls, the only documents there are.
func document(depth int) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		doc := map[string]any{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d/e", "~"}), 0, 4, rapid.ID).Draw(t, "names") {
			switch kind := rapid.IntRange(0, 4).Draw(t, "kind"); {
			case kind == 0 && depth > 0:
				doc[name] = document(depth-1).Draw(t, "object")
			case kind == 1:
				doc[name] = rapid.SliceOfN(rapid.IntRange(0, 2), 0, 2).Draw(t, "list")
			case kind == 2:
				doc[name] = rapid.SampledFrom([]string{"", "x", "null"}).Draw(t, "text")
			case kind == 3:
				doc[name] = json.Number("9007199254740993") // not a float64
			default:
				doc[name] = rapid.Bool().Draw(t, "bool")
			}
		}
		return doc
	})
}

func encode(t interface{ Fatal(...any) }, v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestApplyingADiffGivesTheDocumentAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := encode(t, document(3).Draw(t, "before")), encode(t, document(3).Draw(t, "after"))
		patch := hub.Diff(before, after)
		if patch == nil {
			if string(before) != string(after) {
				t.Fatalf("no patch from %s to %s", before, after)
			}
			return
		}
		if got := sorted(t, hub.Apply(before, patch)); got != string(after) {
			t.Fatalf("%s patched with %s is %s, want %s", before, patch, got, after)
		}
		reference, err := jsonpatch.MergePatch(before, patch)
		if err != nil {
			t.Fatal(err)
		}
		if !jsonpatch.Equal(reference, after) {
			t.Fatalf("another implementation of RFC 7386 makes %s of it, want %s", reference, after)
		}
	})
}

// The examples of RFC 7386, appendix A, where the document is an object.
func TestApplyFollowsTheRFC(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`["c"]`, `{"a":1}`, `{"a":1}`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
	} {
		if got := sorted(t, hub.Apply(json.RawMessage(c[0]), json.RawMessage(c[1]))); got != c[2] {
			t.Errorf("%s patched with %s is %s; want %s", c[0], c[1], got, c[2])
		}
	}
}

// sorted is a value with the members of its objects in order of their names.
func sorted(t interface{ Fatal(...any) }, raw json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(string(raw), err)
	}
	return string(encode(t, v))
}
