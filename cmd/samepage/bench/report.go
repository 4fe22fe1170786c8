package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Report is what one run of the table measured.
type Report struct {
	Machine string       `json:"machine"`
	Rounds  int          `json:"rounds"`
	Rows    []Comparison `json:"rows"`
	Growth  []Growth     `json:"growth,omitempty"`
}

// Machine describes where this runs, and how busy it is: figures of a machine
// that does other things besides are worth less.
func Machine() string {
	cpu, load := "an unknown processor", "unknown"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.SplitSeq(string(b), "\n") {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				cpu = strings.TrimLeft(name, "\t :")
				break
			}
		}
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(b), " ")
	}
	return fmt.Sprintf("%d cores of %s, %s, %s; load %s at the start", runtime.NumCPU(), cpu, runtime.GOOS, runtime.Version(), load)
}

// Write puts the report into a file, whose directory it makes.
func (r Report) Write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// ReadReport reads what Write wrote.
func ReadReport(path string) (Report, error) {
	var r Report
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	return r, err
}

// The markers between which a text file shows a report.
const (
	markBegin = "<!-- bench -->"
	markEnd   = "<!-- /bench -->"
)

// Into puts the table between the markers of a text.
func (r Report) Into(text []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(text, []byte(markBegin))
	_, after, ended := bytes.Cut(rest, []byte(markEnd))
	if !ok || !ended {
		return nil, fmt.Errorf("bench: there is no place between %s and %s", markBegin, markEnd)
	}
	var b bytes.Buffer
	b.Write(before)
	fmt.Fprintf(&b, "%s\n", markBegin)
	if err := Table(&b, r.Rows); err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "\nMedians of %d, on %s.\n%s", r.Rounds, r.Machine, markEnd)
	b.Write(after)
	return b.Bytes(), nil
}
