package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Row is one line of the table: a load, how much of it, and what Samepage aims
// at in relation to the reference (0: nothing).
type Row struct {
	ID   string
	Work string
	Load Load

	CPU, P99 float64 // at most so many times the reference's
	RSS      float64 // at most so many KB a socket, absolute
	Alone    bool    // no reference does this
}

// Rows are the measurements of the table, at scale times the work.
func Rows(scale float64) []Row {
	n := func(v int) int { return min(MaxSockets, int(float64(v)*scale)) }
	return []Row{
		{ID: "P1", Work: "fan-out: 1 channel, 20 publishes/s of 200 B", Load: Load{Mode: "fanout", Sockets: n(2000)}, CPU: 0.65, P99: 0.7},
		{ID: "P2", Work: "pairs: 2 sockets a channel, HTTP publishes", Load: Load{Mode: "pairs", Sockets: n(2000), Rate: 2000 * min(scale, 1.5)}, CPU: 0.8, P99: 1},
		{ID: "P3", Work: "idle socket with a recoverable subscription", Load: Load{Mode: "idle", Sockets: n(5000)}, RSS: 12},
		{ID: "P4", Work: "connect with token and subscribe", Load: Load{Mode: "connect", Sockets: n(3000)}, CPU: 0.8},
		{ID: "P6", Work: "storm: all return, each missed 10 events", Load: Load{Mode: "storm", Sockets: n(2000)}, CPU: 0.8},
		{ID: "P7", Work: "cart.add_line seen by 3 touchpoints, durable", Load: Load{Mode: "commands", Sockets: n(3000), Rate: 2000 * min(scale, 1.5)}, Alone: true},
	}
}

// Comparison is a row's medians of both servers.
type Comparison struct {
	Row       string  `json:"row"`
	Work      string  `json:"work"`
	Reference *Result `json:"reference,omitempty"`
	Samepage  Result  `json:"samepage"`
	CPU       float64 `json:"cpu_ratio,omitempty"`
	P99       float64 `json:"p99_ratio,omitempty"`
	RSS       float64 `json:"rss_ratio,omitempty"`
	Met       bool    `json:"met"` // the goal
}

// Compare measures a row, reference and Samepage in turn, for so many rounds.
func Compare(ctx context.Context, row Row, rounds int, l Load, reference, samepage []Server, progress io.Writer) (Comparison, error) {
	row.Load.Secret, row.Load.APIKey = l.Secret, l.APIKey
	var a, b []Result
	for round := range rounds {
		if !row.Alone {
			r, err := Measure(ctx, row.Load, reference...)
			if err != nil {
				return Comparison{}, fmt.Errorf("%s, reference: %w", row.ID, err)
			}
			a = append(a, r)
			fmt.Fprintf(progress, "%s %d/%d reference %s\n", row.ID, round+1, rounds, r)
		}
		r, err := Measure(ctx, row.Load, samepage...)
		if err != nil {
			return Comparison{}, fmt.Errorf("%s, samepage: %w", row.ID, err)
		}
		b = append(b, r)
		fmt.Fprintf(progress, "%s %d/%d samepage  %s\n", row.ID, round+1, rounds, r)
	}
	c := Comparison{Row: row.ID, Work: row.Work, Samepage: medians(b), Met: true}
	if !row.Alone {
		ref := medians(a)
		c.Reference = &ref
		c.CPU, c.P99, c.RSS = ratio(c.Samepage.CPU, ref.CPU), ratio(c.Samepage.P99, ref.P99), ratio(c.Samepage.RSS, ref.RSS)
		c.Met = (row.CPU == 0 || c.CPU <= row.CPU) && (row.P99 == 0 || c.P99 <= row.P99)
	} else {
		c.Met = c.Samepage.P99 <= 10 && c.Samepage.CPU <= 150
	}
	c.Met = c.Met && (row.RSS == 0 || c.Samepage.RSS <= row.RSS) && c.Samepage.Got == c.Samepage.Expected
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
		met := "met"
		if !c.Met {
			met = "missed"
		}
		fmt.Fprintf(t, "| %s \t| %s \t| %s \t| %s \t| %s \t| %s \t| %s \t|\n", c.Row, c.Work, c.Samepage.Unit,
			strings.Join(ref, ", "), strings.Join(own, ", "), strings.Join(ratios, ", "), met)
	}
	return t.Flush()
}
