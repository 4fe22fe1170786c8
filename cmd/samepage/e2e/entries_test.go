package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// A shop shares what nobody thought of: a repair ticket in the customer's context.
func TestEntriesOfTheOperatorsOwn(t *testing.T) {
	s := openShop(t, `{"entries":[{"kind":"repair","channel":"context","roles":{"customer":"read","service":"write"},
		"schema":{"type":"object","required":["bike"],"properties":{"bike":{"type":"string"},"state":{"enum":["waiting","done"]}}}}]}`)
	app := s.connect(t, mayaToken)
	app.subscribe(maya)
	s.backend("entry.put", maya, `{"key":"repair/r1","doc":{"bike":"red","state":"waiting"}}`)
	s.backend("entry.merge", maya, `{"key":"repair/r1","patch":{"state":"done"}}`)
	app.saw(maya, "entry.merged")
	if !app.shows(maya, "repair/r1", "state", "done") {
		t.Error("the app does not show that the bicycle is done")
	}
	if a := s.refused("invalid", "", "entry.merge", maya, `{"key":"repair/r1","patch":{"state":"lost"}}`, ""); a.status != 422 || a.field("details|/patch/state") == nil {
		t.Errorf("a state that is none is answered by %d %s", a.status, a.body)
	}
	s.refused("forbidden", mayaToken, "entry.remove", maya, `{"key":"repair/r1"}`, "")

	p := launch(t, serveArgs(t, filepath.Join(t.TempDir(), "x.db"), `{"entries":[{"kind":"order","channel":"context"}]}`)...)
	p.ended()
	if !strings.Contains(p.stderr.String(), "entries[0]: kind: order is what a context has already") {
		t.Errorf("the start is refused with %s", p.stderr)
	}
}
