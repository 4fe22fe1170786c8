package bench

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// The chart's size, and the room around its curves.
const (
	chartWidth, chartHeight     = 560.0, 260.0
	chartLeft, chartRight       = 44.0, chartWidth - 64
	chartTop, chartBottom       = 12.0, chartHeight - 30
	chartLabel                  = 12.0 // from one label to the next
	chartBetween, chartMostCost = 0.5, 1.2
)

// chartColours are the rows', in their order.
var chartColours = []string{"#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#bf3989", "#57606a", "#0a7ea4", "#bc4c00"}

// curve is one row in relation to its cost at once the work.
type curve struct {
	row, colour string
	points      []Growth
	base        float64
	label       float64 // where its label stands
}

func (c curve) last() Growth              { return c.points[len(c.points)-1] }
func (c curve) relative(g Growth) float64 { return g.Cost() / c.base }
func chartX(scale float64) float64        { return chartLeft + (chartRight-chartLeft)*math.Log10(scale) }
func chartY(relative, most float64) float64 {
	return chartBottom - (chartBottom-chartTop)*relative/most
}

// SVG draws the cost of a unit at each scale in relation to that at 1, a curve
// for each row, beside the 1.2 that it should stay within.
func SVG(w io.Writer, all []Growth) error {
	most := 1.4
	var curves []curve
	for i, row := range Rows(1) {
		c := curve{row: row.ID, colour: chartColours[i%len(chartColours)]}
		for _, g := range all {
			if g.Row == row.ID {
				c.points = append(c.points, g)
			}
		}
		if len(c.points) == 0 || c.points[0].Scale != 1 || c.points[0].Cost() == 0 {
			continue
		}
		c.base = c.points[0].Cost()
		for _, g := range c.points {
			most = max(most, c.relative(g)*1.1)
		}
		curves = append(curves, c)
	}
	keepApart(curves, most)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="11">`+"\n", chartWidth, chartHeight)
	fmt.Fprintf(&b, `<rect width="%g" height="%g" fill="#fff"/>`+"\n", chartWidth, chartHeight)
	for _, v := range []float64{chartBetween, 1, chartMostCost} {
		dash := ""
		if v == chartMostCost {
			dash = ` stroke-dasharray="4 3"`
		}
		fmt.Fprintf(&b, `<path d="M%g %.1fH%g" stroke="#bbb"%s/><text x="%g" y="%.1f" text-anchor="end" fill="#555">%g</text>`+"\n",
			chartLeft, chartY(v, most), chartRight, dash, chartLeft-6, chartY(v, most)+4, v)
	}
	for _, s := range Scales {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle" fill="#555">%gx</text>`+"\n", chartX(s), chartHeight-10, s)
	}
	for _, c := range curves {
		var path strings.Builder
		path.WriteString("M")
		for i, g := range c.points {
			if i > 0 {
				path.WriteString("L")
			}
			path.WriteString(fmt.Sprintf("%.1f %.1f", chartX(g.Scale), chartY(c.relative(g), most)))
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%.1f" y="%.1f" fill="%s">%s %.2f</text>`+"\n",
			path.String(), c.colour, chartX(c.last().Scale)+6, c.label, c.colour, c.row, c.relative(c.last()))
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// keepApart puts each label beside its curve's end, or below the one above it.
func keepApart(curves []curve, most float64) {
	order := make([]*curve, len(curves))
	for i := range curves {
		c := &curves[i]
		c.label = chartY(c.relative(c.last()), most) + 4
		order[i] = c
	}
	slices.SortFunc(order, func(a, b *curve) int { return cmp.Compare(a.label, b.label) })
	for i := 1; i < len(order); i++ {
		order[i].label = max(order[i].label, order[i-1].label+chartLabel)
	}
}
