package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Load is one measurement to make. Zero fields take the mode's defaults.
type Load struct {
	Mode      string        // one of [Modes]
	Addresses []string      // host:port of the nodes; sockets are spread over them
	Pids      []int         // the servers' processes; none: only latency is measured
	Store     int           // the process of the store that the servers share; 0: it is not measured
	Secret    string        // HMAC key the tokens are signed with
	APIKey    string        // for publishes over HTTP
	Sockets   int           // how many; pairs, storm and commands derive their channels from it
	Rate      float64       // publishes or commands a second
	Size      int           // bytes of a publication's data
	Duration  time.Duration // how long the rate is kept, or idle sockets watched
	Missed    int           // storm: events each socket missed
	Progress  io.Writer     // nil: none
}

// Bounds of a load: nothing runs for longer or opens more.
const (
	MaxSockets  = 18_000
	MaxDuration = 10 * time.Minute
	MaxRate     = 100_000
)

// Result is what a load measured.
type Result struct {
	Mode     string  `json:"mode"`
	Sockets  int     `json:"sockets"`
	Unit     string  `json:"unit"`     // what is counted: delivery, publish, socket, connect, return, command
	Units    int     `json:"units"`    // how many were done
	CPU      float64 `json:"cpu_us"`   // server CPU, microseconds a unit
	Store    float64 `json:"store_us"` // CPU of the store, microseconds a unit
	RSS      float64 `json:"rss_kb"`   // server memory that the sockets added, KB a socket
	P50      float64 `json:"p50_ms"`   // of the latency, milliseconds
	P99      float64 `json:"p99_ms"`   //
	Max      float64 `json:"max_ms"`   //
	Expected int     `json:"expected"` // deliveries there should have been
	Got      int     `json:"got"`      // deliveries there were
	Seconds  float64 `json:"seconds"`  // how long the measured part took
	Rate     float64 `json:"rate"`     // units a second that were reached
	Failed   int     `json:"failed"`   // publishes or commands that were refused
}

type mode struct {
	defaults Load
	run      func(ctx context.Context, l Load) (Result, error)
}

var modes = map[string]mode{
	"idle":     {Load{Sockets: 5000, Duration: 3 * time.Second}, runIdle},
	"fanout":   {Load{Sockets: 2000, Rate: 20, Size: 200, Duration: 10 * time.Second}, runFanout},
	"pairs":    {Load{Sockets: 2000, Rate: 2000, Size: 200, Duration: 10 * time.Second}, runPairs},
	"connect":  {Load{Sockets: 3000}, runConnect},
	"storm":    {Load{Sockets: 2000, Missed: 10, Size: 200}, runStorm},
	"commands": {Load{Sockets: 3000, Rate: 2000, Duration: 10 * time.Second}, runCommands},
}

// Modes are the names of the measurements.
func Modes() []string { return slices.Sorted(maps.Keys(modes)) }

// Run makes the measurement.
func (l Load) Run(ctx context.Context) (Result, error) {
	m, ok := modes[l.Mode]
	if !ok {
		return Result{}, fmt.Errorf("bench: no mode is called %q; there are %v", l.Mode, Modes())
	}
	if l.Sockets == 0 {
		l.Sockets = m.defaults.Sockets
	}
	if l.Rate == 0 {
		l.Rate = m.defaults.Rate
	}
	if l.Size == 0 {
		l.Size = m.defaults.Size
	}
	if l.Duration == 0 {
		l.Duration = m.defaults.Duration
	}
	if l.Missed == 0 {
		l.Missed = m.defaults.Missed
	}
	switch {
	case len(l.Addresses) == 0:
		return Result{}, fmt.Errorf("bench: no address to measure")
	case l.Sockets < 1 || l.Sockets > MaxSockets:
		return Result{}, fmt.Errorf("bench: %d sockets; 1 to %d can be opened", l.Sockets, MaxSockets)
	case l.Rate < 0 || l.Rate > MaxRate:
		return Result{}, fmt.Errorf("bench: a rate of %g; at most %d a second", l.Rate, MaxRate)
	case l.Duration < 0 || l.Duration > MaxDuration:
		return Result{}, fmt.Errorf("bench: a duration of %s; at most %s", l.Duration, MaxDuration)
	}
	ctx, cancel := context.WithTimeout(ctx, l.Duration+5*time.Minute)
	defer cancel()
	r, err := m.run(ctx, l)
	r.Mode, r.Sockets = l.Mode, l.Sockets
	if r.Seconds > 0 {
		r.Rate = float64(r.Units) / r.Seconds
	}
	return r, err
}

func (l Load) say(format string, args ...any) {
	if l.Progress != nil {
		fmt.Fprintf(l.Progress, format+"\n", args...)
	}
}

// String is the result as a person reads it.
func (r Result) String() string {
	s := fmt.Sprintf("%-9s %6d sockets  %8d x %-8s", r.Mode, r.Sockets, r.Units, r.Unit)
	if r.CPU > 0 {
		s += fmt.Sprintf("  %7.1f us CPU", r.CPU)
	}
	if r.Store > 0 {
		s += fmt.Sprintf("  %.1f us of the store", r.Store)
	}
	if r.RSS > 0 {
		s += fmt.Sprintf("  %6.1f KB/socket", r.RSS)
	}
	if r.P99 > 0 {
		s += fmt.Sprintf("  p50 %.2f ms  p99 %.2f ms  max %.1f ms", r.P50, r.P99, r.Max)
	}
	if r.Expected > 0 {
		s += fmt.Sprintf("  lost %d of %d", r.Expected-r.Got, r.Expected)
	}
	if r.Failed > 0 {
		s += fmt.Sprintf("  failed %d", r.Failed)
	}
	return s
}
