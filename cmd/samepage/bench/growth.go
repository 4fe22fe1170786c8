package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Growth is what a unit of a row costs at some times the work.
type Growth struct {
	Row    string  `json:"row"`
	Scale  float64 `json:"scale"`
	Result Result  `json:"result"`
}

// Scales are the amounts of work that growth is measured at.
var Scales = []float64{1, 3, 10}

// Cost of a unit: CPU, or the memory of an idle socket.
func (g Growth) Cost() float64 {
	if g.Result.Mode == "idle" {
		return g.Result.RSS
	}
	return g.Result.CPU
}

// Grow measures Samepage alone at the scales. What the machine cannot open is
// cut to what it can ([MaxSockets]).
func Grow(ctx context.Context, ids []string, program Program, progress io.Writer) ([]Growth, error) {
	var all []Growth
	for _, scale := range Scales {
		for _, row := range Rows(scale) {
			if !wanted(ids, row.ID) {
				continue
			}
			r, err := row.Measure(ctx, program)
			if err != nil {
				return all, fmt.Errorf("%s at %gx: %w", row.ID, scale, err)
			}
			fmt.Fprintf(progress, "%s at %gx %s\n", row.ID, scale, r)
			all = append(all, Growth{row.ID, scale, r})
		}
	}
	return all, nil
}

func wanted(ids []string, id string) bool {
	if slices.Contains(ids, id) {
		return true
	}
	return len(ids) == 0
}

// SVG draws the cost of a unit at each scale in relation to that at 1, a curve
// for each row, beside the 1.2 that it should stay within.
func SVG(w io.Writer, all []Growth) error {
	const width, height, left, bottom, top = 560.0, 240.0, 44.0, 30.0, 12.0
	right := width - 60
	base, most := map[string]float64{}, 1.4
	for _, g := range all {
		if g.Scale == 1 {
			base[g.Row] = g.Cost()
		}
	}
	relative := func(g Growth) float64 { return g.Cost() / base[g.Row] }
	for _, g := range all {
		if base[g.Row] > 0 {
			most = max(most, relative(g)*1.1)
		}
	}
	x := func(scale float64) float64 { return left + (right-left)*math.Log10(scale) }
	y := func(v float64) float64 { return height - bottom - (height-bottom-top)*v/most }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="11">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%g" height="%g" fill="#fff"/>`+"\n", width, height)
	for _, v := range []float64{0.5, 1, 1.2} {
		dash := ""
		if v == 1.2 {
			dash = ` stroke-dasharray="4 3"`
		}
		fmt.Fprintf(&b, `<path d="M%g %.1fH%g" stroke="#bbb"%s/><text x="%g" y="%.1f" text-anchor="end" fill="#555">%g</text>`+"\n", left, y(v), right, dash, left-6, y(v)+4, v)
	}
	for _, s := range Scales {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle" fill="#555">%gx</text>`+"\n", x(s), height-10, s)
	}
	colours := []string{"#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#bf3989"}
	n := 0
	for _, row := range Rows(1) {
		if base[row.ID] == 0 {
			continue
		}
		var path strings.Builder
		var last Growth
		for _, g := range all {
			if g.Row != row.ID {
				continue
			}
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[path.Len() == 0], x(g.Scale), y(relative(g)))
			last = g
		}
		colour := colours[n%len(colours)]
		n++
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%.1f" y="%.1f" fill="%s">%s %.2f</text>`+"\n",
			path.String(), colour, x(last.Scale)+5, y(relative(last))+4, colour, row.ID, relative(last))
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
