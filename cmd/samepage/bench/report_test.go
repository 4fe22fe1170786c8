package bench_test

import (
	"encoding/xml"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/samepage/samepage/cmd/samepage/bench"
)

func TestAReportIsShownBetweenItsMarkersAndNowhereElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "last.json")
	report := bench.Report{Machine: "a machine", Rounds: 3, Rows: []bench.Comparison{
		{Row: "P1", Work: "fan-out", Samepage: bench.Result{Unit: "delivery", CPU: 5}, Reference: &bench.Result{CPU: 10}, CPU: 0.5, Met: true},
	}}
	if err := report.Write(path); err != nil {
		t.Fatal(err)
	}
	read, err := bench.ReadReport(path)
	if err != nil {
		t.Fatal(err)
	}
	text := "before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n"
	for range 2 { // showing it again changes nothing
		shown, err := read.Into([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		text = string(shown)
	}
	for _, want := range []string{"before\n<!-- bench -->\n| #", "P1", "0.50", "a machine", "<!-- /bench -->\nafter\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "old") {
		t.Error("the old table is still there")
	}
	if _, err := read.Into([]byte("no place")); err == nil {
		t.Error("a text without markers was taken")
	}
}

func TestTheChartIsWellFormedAndNamesItsRows(t *testing.T) {
	var b strings.Builder
	err := bench.SVG(&b, []bench.Growth{
		{"P1", 1, bench.Result{CPU: 10}}, {"P1", 3, bench.Result{CPU: 11}}, {"P1", 10, bench.Result{CPU: 15}},
		{"P3", 1, bench.Result{Mode: "idle", RSS: 10}}, {"P3", 10, bench.Result{Mode: "idle", RSS: 9}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(strings.NewReader(b.String()))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(b.String(), "P1 1.50") || !strings.Contains(b.String(), "P3 0.90") {
		t.Fatal(b.String())
	}
}
