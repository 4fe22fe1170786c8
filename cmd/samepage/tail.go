package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/samepage/samepage/hub"
)

// tailCommand follows a channel from a terminal.
type tailCommand struct {
	Channel  string `arg:"" help:"The channel: context:c-42, board:s1, news …"`
	Address  string `default:"http://127.0.0.1:8000" placeholder:"URL" help:"Where a node of the hub listens (${default})."`
	Token    string `env:"SAMEPAGE_TOKEN" placeholder:"JWT" help:"Who we are: a token."`
	APIKey   string `name:"api-key" env:"SAMEPAGE_HTTP_API_KEY" placeholder:"KEY" help:"Or a backend, with its key."`
	After    string `placeholder:"EPOCH:OFFSET" help:"Begin behind this position. Without: with what comes from now on."`
	Snapshot bool   `help:"Print what the channel holds too: at the beginning, and where events were missed."`
	Count    int    `short:"n" placeholder:"N" help:"End after so many events."`
}

// Help implements [kong.HelpProvider].
func (*tailCommand) Help() string {
	return `Each event is a line of JSON with the position that --after takes. A connection that breaks is made again, and goes on where it was.`
}

// Run implements the command.
func (cmd *tailCommand) Run(p *process) error {
	ctx, stop := p.signals()
	defer stop()
	base, err := url.Parse(cmd.Address)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return fmt.Errorf("--address: %q is no http or https address", cmd.Address)
	}
	if cmd.After != "" {
		if _, err := hub.ParsePosition(cmd.After); err != nil {
			return fmt.Errorf("--after: %w", err)
		}
	}
	t := &tail{
		cmd: cmd, stdout: p.stdout, stderr: p.stderr, position: cmd.After,
		url: base.JoinPath("v1", "channels", url.PathEscape(cmd.Channel), "events").String(),
	}
	err = t.run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// tail is one run of it.
type tail struct {
	cmd            *tailCommand
	stdout, stderr io.Writer
	url            string
	position       string // of the last event; where to go on
	begun          bool   // the first answer came
	printed        int
}

// Bounds of a tail.
const (
	tailSilence = time.Minute // a node says something more often than that
	tailLine    = 16 << 20    // bytes of the longest line
)

// errEnough ends a tail that was asked for so many events.
var errEnough = errors.New("enough")

// refusedError is an answer that another attempt would get as well.
type refusedError struct{ text string }

func (e refusedError) Error() string { return e.text }

// run follows until ctx ends, there is enough, or we are refused.
func (t *tail) run(ctx context.Context) error {
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		before := t.position
		err := t.follow(ctx)
		var refused refusedError
		switch {
		case errors.Is(err, errEnough):
			return nil
		case errors.As(err, &refused) || ctx.Err() != nil:
			return err
		}
		if t.position != before {
			wait = 200 * time.Millisecond
		}
		fmt.Fprintf(t.stderr, "samepage: %v; trying again\n", err)
		sleep(ctx, wait/2+rand.N(wait))
	}
}

// follow makes one connection and prints what comes.
func (t *tail) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(tailSilence, func() { cancel(errors.New("the node says nothing any more")) })
	defer silence.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return refusedError{err.Error()}
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("User-Agent", "samepage/"+version())
	if t.position != "" {
		r.Header.Set("Last-Event-ID", t.position)
	}
	switch {
	case t.cmd.Token != "":
		r.Header.Set("Authorization", "Bearer "+t.cmd.Token)
	case t.cmd.APIKey != "":
		r.Header.Set("X-API-Key", t.cmd.APIKey)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return why(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return answered(res)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, tailLine)
	var one sseEvent
	for lines.Scan() {
		silence.Reset(tailSilence)
		if line := lines.Bytes(); len(line) > 0 {
			one.line(line)
			continue
		}
		if err := t.take(one); err != nil {
			return err
		}
		one = sseEvent{}
	}
	if err := lines.Err(); err != nil {
		return why(ctx, err)
	}
	return errors.New("the node ended the stream")
}

// sseEvent is one event of the stream.
type sseEvent struct {
	kind, id string
	data     []byte
}

func (e *sseEvent) line(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		e.kind = string(value)
	case "id":
		e.id = string(value)
	case "data":
		e.data = append(e.data, value...)
	}
}

// take prints an event.
func (t *tail) take(e sseEvent) error {
	missed := t.begun || t.cmd.After != ""
	if e.id != "" {
		t.position = e.id
	}
	if e.data == nil {
		return nil
	}
	t.begun = true
	if e.kind == "snapshot" {
		if missed {
			fmt.Fprintf(t.stderr, "samepage: the log does not reach back: some events were missed; going on behind %s\n", t.position)
		}
		if !t.cmd.Snapshot {
			return nil
		}
		e.data = append(append([]byte(`{"snapshot":`), e.data...), '}')
	}
	if err := t.print(e); err != nil {
		return refusedError{err.Error()} // nobody reads any more
	}
	if t.printed++; t.printed == t.cmd.Count {
		return errEnough
	}
	return nil
}

// print writes a line: the position first, where there is one.
func (t *tail) print(e sseEvent) error {
	line := append(bytes.TrimSpace(e.data), '\n')
	if e.id != "" && bytes.HasPrefix(line, []byte("{")) {
		position, err := json.Marshal(e.id)
		if err != nil {
			return err
		}
		line = append(append(append([]byte(`{"position":`), position...), ','), line[1:]...)
	}
	_, err := t.stdout.Write(line)
	return err
}

// answered is an answer that is no stream.
func answered(res *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	var problem struct{ Code, Message string }
	text := res.Status
	if json.Unmarshal(body, &problem) == nil && problem.Code != "" {
		text = strings.TrimSpace(problem.Code + ": " + problem.Message)
	}
	if res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests {
		return refusedError{text}
	}
	return errors.New(text)
}

// why prefers the reason that a context was ended for.
func why(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		return cause
	}
	return err
}
