package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// tail starts "samepage tail" of a channel as the backend.
func (p *program) tail(channel string, args ...string) *program {
	p.t.Helper()
	return start(p.t, []string{"SAMEPAGE_HTTP_API_KEY=" + apiKey}, append([]string{"tail", channel, "--address", p.url}, args...))
}

// printed waits until so many lines were printed and returns them.
func (p *program) printed(n int) []string {
	p.t.Helper()
	var lines []string
	eventually(p.t, fmt.Sprintf("%d lines are printed", n), func() bool {
		lines = p.stdout.lines("{")
		return len(lines) >= n
	})
	return lines
}

func TestTailFollowsAChannelThroughARestart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "samepage.db")
	p := serve(t, data, "")
	p.command("loyalty.adjust", maya, "t-1", `{"points":1,"reason":"a"}`)
	first := p.stands(maya)

	all := p.tail(maya, "--snapshot")
	snapshot := all.printed(1)[0]
	if got := field([]byte(snapshot), "snapshot|entries|loyalty|doc|balance"); got != 1 || field([]byte(snapshot), "position") != first {
		t.Errorf("the snapshot is %s", snapshot)
	}
	p.command("loyalty.adjust", maya, "t-2", `{"points":2,"reason":"b"}`)
	line := all.printed(2)[1]
	if field([]byte(line), "cause") != "t-2" || field([]byte(line), "position") != p.stands(maya) {
		t.Errorf("the event is %s", line)
	}

	// The node goes, events happen at the next one before the tail is back, and none is missed.
	_, port, _ := strings.Cut(strings.TrimPrefix(p.url, "http://"), ":")
	p.kill()
	p = serve(t, data, "", "--port", port)
	for i := 3; i < 6; i++ {
		p.command("loyalty.adjust", maya, fmt.Sprintf("t-%d", i), `{"points":1,"reason":"c"}`)
	}
	for i, line := range all.printed(5)[2:] {
		if got := field([]byte(line), "cause"); got != fmt.Sprintf("t-%d", i+3) {
			t.Errorf("line %d is of %v", i+3, got)
		}
	}
	all.stop()

	// From a position, and no more than asked for.
	some := p.tail(maya, "--after", first, "-n", "2")
	some.ended()
	if lines := some.stdout.lines("{"); len(lines) != 2 || field([]byte(lines[0]), "cause") != "t-2" || some.err != nil {
		t.Errorf("it printed %v and ended with %v", lines, some.err)
	}
}

func TestTailThatIsRefusedEndsWithTheReason(t *testing.T) {
	p := serve(t, filepath.Join(t.TempDir(), "samepage.db"), "")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"another's context":       {[]string{"tail", "context:c-7", "--address", p.url, "--token", mayaToken}, "forbidden"},
		"a token that is none":    {[]string{"tail", maya, "--address", p.url, "--token", "x"}, "unauthorized"},
		"nobody":                  {[]string{"tail", maya, "--address", p.url}, "unauthorized"},
		"an address that is none": {[]string{"tail", maya, "--address", "localhost"}, "--address"},
		"a position that is none": {[]string{"tail", maya, "--address", p.url, "--after", "x"}, "--after"},
	} {
		one := launchBare(t, c.args...)
		one.ended()
		if one.err == nil || !strings.Contains(one.stderr.String(), c.want) || strings.Contains(one.stderr.String(), mayaToken) {
			t.Errorf("%s: %v, %s", name, one.err, one.stderr)
		}
	}
}

// stands is where a channel stands, as --after takes it.
func (p *program) stands(channel string) string {
	offset, epoch := p.position(channel)
	return fmt.Sprintf("%s:%d", epoch, offset)
}
