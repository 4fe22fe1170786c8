package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/samepage/samepage/cmd/samepage/bench"
)

// benchCommand measures servers: one load against servers that run, or the
// whole table against a reference server that it starts in turn with Samepage.
type benchCommand struct {
	Run     benchRun     `cmd:"" default:"withargs" help:"Put one load on running servers and print what it measured."`
	Compare benchCompare `cmd:"" help:"Start a reference server and Samepage in turn and print the table of figures and ratios."`
	Readme  benchReadme  `cmd:"" help:"Show the figures that compare wrote in a text file."`
}

type benchRun struct {
	Mode     string        `arg:"" enum:"idle,fanout,pairs,connect,storm,commands" help:"idle, fanout, pairs, connect, storm or commands."`
	Address  []string      `short:"a" default:"127.0.0.1:8000" placeholder:"HOST:PORT" help:"The nodes; sockets are spread over them."`
	Pid      []int         `placeholder:"PID" help:"The servers' processes, to read CPU and memory of."`
	Secret   string        `env:"SAMEPAGE_CLIENT_TOKEN_HMAC_SECRET_KEY" help:"HMAC key the tokens are signed with."`
	APIKey   string        `name:"api-key" env:"SAMEPAGE_HTTP_API_KEY" help:"Key for publishes over HTTP."`
	Sockets  int           `short:"n" help:"How many sockets (depends on the mode)."`
	Rate     float64       `help:"Publishes or commands a second (depends on the mode)."`
	Size     int           `help:"Bytes of a publication (200)."`
	Duration time.Duration `help:"How long the rate is kept (10s)."`
	Missed   int           `help:"storm: events each socket missed (10)."`
	Quiet    bool          `short:"q" help:"No progress, only the JSON line."`
}

// Run prints one JSON line to stdout; progress and a line for people go to stderr.
func (c *benchRun) Run(p *process) error {
	ctx, cancel := p.signals()
	defer cancel()
	progress := p.stderr
	if c.Quiet {
		progress = io.Discard
	}
	r, err := bench.Load{
		Mode: c.Mode, Addresses: c.Address, Pids: c.Pid, Secret: c.Secret, APIKey: c.APIKey, Sockets: c.Sockets,
		Rate: c.Rate, Size: c.Size, Duration: c.Duration, Missed: c.Missed, Progress: progress,
	}.Run(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(progress, r)
	return json.NewEncoder(p.stdout).Encode(r)
}

type benchCompare struct {
	Reference string   `required:"" type:"existingfile" help:"The reference server's binary (make bench builds it)."`
	Rows      []string `placeholder:"P1" help:"Only these rows."`
	Rounds    int      `default:"3" help:"How often each row is measured; the medians count."`
	Scale     float64  `default:"1" help:"So many times the work."`
	Growth    bool     `help:"Measure Samepage at 1, 3 and 10 times the work as well."`
	Out       string   `type:"path" placeholder:"FILE" help:"Write the figures as JSON."`
}

// Run prints the table to stdout and the single measurements to stderr.
func (c *benchCompare) Run(p *process) error {
	ctx, cancel := p.signals()
	defer cancel()
	dir, err := os.MkdirTemp("", "samepage-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	started := 0
	samepage := func(node int, redis string) bench.Server {
		started++
		store := []string{"--data", filepath.Join(dir, fmt.Sprintf("%d.db", started))}
		if redis != "" {
			store = []string{"--engine", "redis", "--redis", "redis://" + redis}
		}
		return bench.Server{Name: "samepage", Path: self, Args: append([]string{"serve"}, append(store,
			"--port", "0", "--log-level", "error",
			"-s", "client.token.hmac_secret_key="+bench.Secret, "-s", "http_api.key="+bench.Secret,
			"-s", "channel.without_namespace.history_size=100", "-s", "channel.without_namespace.history_ttl=5m",
			"-s", "channel.without_namespace.force_recovery=true", "-s", "channel.without_namespace.allow_subscribe_for_client=true",
		)...)}
	}
	reference := func(_ int, redis string) bench.Server {
		return bench.Server{Name: "reference", Path: c.Reference, Args: []string{"-secret", bench.Secret, "-redis", redis}}
	}
	report := bench.Report{Machine: bench.Machine(), Rounds: c.Rounds}
	for _, row := range bench.Rows(c.Scale) {
		if len(c.Rows) > 0 && !slices.Contains(c.Rows, row.ID) {
			continue
		}
		result, err := bench.Compare(ctx, row, c.Rounds, reference, samepage, p.stderr)
		if err != nil {
			return err
		}
		report.Rows = append(report.Rows, result)
	}
	if err := bench.Table(p.stdout, report.Rows); err != nil {
		return err
	}
	if c.Growth {
		if report.Growth, err = bench.Grow(ctx, c.Rows, samepage, p.stderr); err != nil {
			return err
		}
	}
	if c.Out == "" {
		return nil
	}
	return report.Write(c.Out)
}

type benchReadme struct {
	Report string `arg:"" type:"existingfile" help:"What compare --out wrote."`
	Readme string `arg:"" type:"existingfile" help:"The text to show it in, between <!-- bench --> and <!-- /bench -->."`
	Chart  string `type:"path" placeholder:"FILE" help:"Draw the growth as SVG."`
}

// Run puts the last table into a text, and draws its growth.
func (c *benchReadme) Run(*process) error {
	report, err := bench.ReadReport(c.Report)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.Readme)
	if err != nil {
		return err
	}
	if text, err = report.Into(text); err != nil {
		return err
	}
	if err := os.WriteFile(c.Readme, text, 0o644); err != nil {
		return err
	}
	if c.Chart == "" || len(report.Growth) == 0 {
		return nil
	}
	var chart bytes.Buffer
	if err := bench.SVG(&chart, report.Growth); err != nil {
		return err
	}
	return os.WriteFile(c.Chart, chart.Bytes(), 0o644)
}
