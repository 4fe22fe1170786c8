package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
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
