package describe_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// comments reads what the source says of the types that go over the wire.
func comments(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, dir := range []string{"hub", "hub/commerce", "hub/care", "hub/view", "hub/custom", "sessions", "presence", "web", "web/describe"} {
		files, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range tree.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
					for _, spec := range g.Specs {
						typeComments(all, dir, g, spec.(*ast.TypeSpec))
					}
				}
			}
		}
	}
	return all
}

// typeComments notes what is said of a struct that has JSON names, and of its fields.
func typeComments(all map[string]string, dir string, g *ast.GenDecl, spec *ast.TypeSpec) {
	st, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	wire := false
	name := dir + "." + spec.Name.Name
	for _, f := range st.Fields.List {
		if f.Tag == nil || !strings.Contains(f.Tag.Value, "json:") {
			continue
		}
		wire = true
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			for _, n := range f.Names {
				all[name+"."+n.Name] = text
			}
		}
	}
	doc := spec.Doc.Text()
	if doc == "" {
		doc = g.Doc.Text()
	}
	first, _, _ := strings.Cut(doc, "\n\n") // drawings stay in the source
	if wire && first != "" {
		all[name] = strings.Join(strings.Fields(first), " ")
	}
}
