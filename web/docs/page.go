package docs

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"github.com/samepage/samepage/web/describe"
)

//go:embed page.html
var source string

// page renders the one page.
func page(d *describe.Description) ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"pretty": pretty, "roles": rolesOf, "anchor": anchor, "kinds": kindsOf, "groups": groupsOf,
		"data": dataOf, "outcome": outcome, "answer": answer, "title": title, "refused": refused, "spans": spansOf,
	}).Parse(source)
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, fmt.Errorf("render the page: %w", err)
	}
	return b.Bytes(), nil
}
