package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Comparison is a row's medians of both servers.
type Comparison struct {
	Row       string  `json:"row"`
	Work      string  `json:"work"`
	Reference *Result `json:"reference,omitempty"`
	Samepage  Result  `json:"samepage"`
	CPU       float64 `json:"cpu_ratio,omitempty"`
	P99       float64 `json:"p99_ratio,omitempty"`
	RSS       float64 `json:"rss_ratio,omitempty"`
	Store     float64 `json:"store_ratio,omitempty"` // of the store's CPU
	Met       bool    `json:"met"`                   // the goal
}

// Compare measures a row, reference and Samepage in turn, for so many rounds.
func Compare(ctx context.Context, row Row, rounds int, reference, samepage Program, progress io.Writer) (Comparison, error) {
	var a, b []Result
	for round := range rounds {
		if !row.Alone {
			r, err := row.Measure(ctx, reference)
			if err != nil {
				return Comparison{}, fmt.Errorf("%s, reference: %w", row.ID, err)
			}
			a = append(a, r)
			fmt.Fprintf(progress, "%s %d/%d reference %s\n", row.ID, round+1, rounds, r)
		}
		r, err := row.Measure(ctx, samepage)
		if err != nil {
			return Comparison{}, fmt.Errorf("%s, samepage: %w", row.ID, err)
		}
		b = append(b, r)
		fmt.Fprintf(progress, "%s %d/%d samepage  %s\n", row.ID, round+1, rounds, r)
	}
	c := Comparison{Row: row.ID, Work: row.Work, Samepage: medians(b)}
	if !row.Alone {
		ref := medians(a)
		c.Reference = &ref
		c.CPU, c.P99 = ratio(c.Samepage.CPU, ref.CPU), ratio(c.Samepage.P99, ref.P99)
		c.RSS, c.Store = ratio(c.Samepage.RSS, ref.RSS), ratio(c.Samepage.Store, ref.Store)
	}
	c.Met = row.Goal.Met(c)
	return c, nil
}

// medians takes each figure's median by itself; what was lost or failed adds up.
func medians(results []Result) Result {
	m := results[0]
	median := func(of func(Result) float64) float64 {
		var all []float64
		for _, r := range results {
			all = append(all, of(r))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	m.CPU = median(func(r Result) float64 { return r.CPU })
	m.Store = median(func(r Result) float64 { return r.Store })
	m.RSS = median(func(r Result) float64 { return r.RSS })
	m.P50 = median(func(r Result) float64 { return r.P50 })
	m.P99 = median(func(r Result) float64 { return r.P99 })
	m.Max = median(func(r Result) float64 { return r.Max })
	m.Rate = median(func(r Result) float64 { return r.Rate })
	m.Expected, m.Got, m.Failed = 0, 0, 0
	for _, r := range results {
		m.Expected += r.Expected
		m.Got += r.Got
		m.Failed += r.Failed
	}
	return m
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Table writes comparisons as a Markdown table.
func Table(w io.Writer, comparisons []Comparison) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "| # \t| work \t| unit \t| reference \t| Samepage \t| ratio \t| goal \t|")
	fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, c := range comparisons {
		var ref, own, ratios []string
		figure := func(name, unit string, of func(Result) float64, times float64) {
			v := of(c.Samepage)
			if v == 0 {
				return
			}
			own = append(own, fmt.Sprintf("%s%.3g %s", name, v, unit))
			if c.Reference != nil {
				ref = append(ref, fmt.Sprintf("%s%.3g %s", name, of(*c.Reference), unit))
				ratios = append(ratios, fmt.Sprintf("%s%.2f", name, times))
			}
		}
		figure("CPU ", "us", func(r Result) float64 { return r.CPU }, c.CPU)
		if c.Samepage.Mode == "idle" {
			figure("RSS ", "KB", func(r Result) float64 { return r.RSS }, c.RSS)
		} else {
			figure("p99 ", "ms", func(r Result) float64 { return r.P99 }, c.P99)
		}
		figure("store ", "us", func(r Result) float64 { return r.Store }, c.Store)
		met := "met"
		if !c.Met {
			met = "missed"
		}
		fmt.Fprintf(t, "| %s \t| %s \t| %s \t| %s \t| %s \t| %s \t| %s \t|\n", c.Row, c.Work, c.Samepage.Unit,
			strings.Join(ref, ", "), strings.Join(own, ", "), strings.Join(ratios, ", "), met)
	}
	return t.Flush()
}
