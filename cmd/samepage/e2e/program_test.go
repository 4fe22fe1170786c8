package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	secret = "the secret of the tests"
	apiKey = "the key of the tests"
)

// patience is how long anything may take that should be quick: long enough
// for a busy machine under the race detector.
const patience = 30 * time.Second

// program is one running process of samepage.
type program struct {
	t      *testing.T
	url    string
	cmd    *exec.Cmd
	stdout *lockedBuffer
	stderr *lockedBuffer
	exited chan struct{} // closed when the process is gone
	err    error         // how it went
}

// serve starts "samepage serve" on a data file, with more of the configuration as JSON.
func serve(t *testing.T, data, config string, args ...string) *program {
	t.Helper()
	p := launch(t, serveArgs(t, data, config, args...)...)
	p.listening()
	return p
}

func serveArgs(t *testing.T, data, config string, args ...string) []string {
	t.Helper()
	if config == "" {
		config = "{}"
	}
	file := filepath.Join(t.TempDir(), "samepage.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return append([]string{"serve", "--config", file, "--data", data, "--port", "0"}, args...)
}

// demo starts "samepage demo".
func demo(t *testing.T, data string) *program {
	t.Helper()
	p := launch(t, "demo", "--data", data, "--port", "0")
	p.listening()
	return p
}

// launch starts the program with the tests' keys.
func launch(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, []string{"SAMEPAGE_CLIENT_TOKEN_HMAC_SECRET_KEY=" + secret, "SAMEPAGE_HTTP_API_KEY=" + apiKey}, args)
}

// launchBare starts it with nothing in the environment.
func launchBare(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, nil, args)
}

// start runs a process; when the test ends it is killed, and must not have raced.
func start(t *testing.T, env, args []string) *program {
	t.Helper()
	p := &program{t: t, stdout: &lockedBuffer{}, stderr: &lockedBuffer{}, exited: make(chan struct{})}
	p.cmd = exec.Command(binary, args...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.cmd.Dir}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		said := p.stderr.String()
		if strings.Contains(said, "DATA RACE") || strings.Contains(said, "panic:") {
			t.Errorf("the program failed:\n%s", said)
		} else if t.Failed() {
			t.Logf("the program said:\n%s", said)
		}
	})
	return p
}

// listening waits for the line that names the address.
func (p *program) listening() {
	p.t.Helper()
	eventually(p.t, "the program listens", func() bool {
		for line := range strings.Lines(p.stdout.String()) {
			if url, ok := strings.CutPrefix(line, "samepage: listening on "); ok && strings.HasSuffix(line, "\n") {
				p.url = strings.TrimSpace(url)
				return true
			}
		}
		select {
		case <-p.exited:
			p.t.Fatalf("the program ended: %v\n%s", p.err, p.stderr)
		default:
		}
		return false
	})
}

// kill is kill -9.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// pause stops the process until resume: its sockets stay and it does nothing.
func (p *program) pause() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }

// resume lets a paused process go on, as if no time had passed.
func (p *program) resume() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

// stop asks it to go and waits; it must go in peace.
func (p *program) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.ended()
	if p.err != nil {
		p.t.Fatalf("the program did not end well: %v\n%s", p.err, p.stderr)
	}
}

func (p *program) ended() {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("the program does not end\n%s", p.stderr)
	}
}

// answer is what came back over HTTP.
type answer struct {
	status int
	body   []byte
}

// field reads a value out of the body, by a path with dots.
func (a answer) field(path string) any { return field(a.body, path) }

func field(doc []byte, path string) any {
	var v any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	for name := range strings.SplitSeq(path, "|") {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	if n, ok := v.(json.Number); ok {
		i, _ := n.Int64()
		return int(i)
	}
	return v
}

// call is one HTTP request; auth is a token, "" for the API key, "-" for nothing.
func (p *program) call(method, path, auth string, body string) answer {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	switch auth {
	case "":
		r.Header.Set("X-API-Key", apiKey)
	case "-":
	default:
		r.Header.Set("Authorization", "Bearer "+auth)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer{res.StatusCode, b}
}

// command sends a command as the backend; it must be accepted.
func (p *program) command(method, on, id, args string) answer {
	p.t.Helper()
	a := p.call("POST", "/v1/commands/"+method, "", fmt.Sprintf(`{"id":%q,"on":%q,"args":%s}`, id, on, args))
	if a.status != 200 {
		p.t.Fatalf("%s on %s: %d %s", method, on, a.status, a.body)
	}
	return a
}

// token mints one of the tests' tokens from its claims.
func token(claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	text := b64([]byte(`{"alg":"HS256"}`)) + "." + b64([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + b64(mac.Sum(nil))
}

// The people of the stories.
var (
	mayaToken = token(`{"sub":"c-42","role":"customer","name":"Maya"}`)
	tillToken = token(`{"sub":"till-1","role":"pos","store":"s1","device":"d-1"}`)
	annaToken = token(`{"sub":"anna","role":"agent","name":"Anna","queues":["support"]}`)
	benToken  = token(`{"sub":"ben","role":"agent","name":"Ben","queues":["support"]}`)
)

func fileMode(t *testing.T, name string) os.FileMode {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// lockedBuffer is written by one goroutine while another reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// lines are those that start with a word.
func (b *lockedBuffer) lines(start string) []string {
	var all []string
	for s := bufio.NewScanner(strings.NewReader(b.String())); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); strings.HasPrefix(line, start) {
			all = append(all, line)
		}
	}
	return all
}

// quiet is a caller that expects the program to go away.
type quiet struct {
	client *http.Client
	url    string
}

func (p *program) quietly() quiet {
	return quiet{&http.Client{Timeout: patience}, p.url}
}

// adjust gives a point; not ok if that was not accepted.
func (q quiet) adjust(on, id string) (replayed, ok bool) {
	r, err := http.NewRequest("POST", q.url+"/v1/commands/loyalty.adjust", strings.NewReader(fmt.Sprintf(`{"id":%q,"on":%q,"args":{"points":1,"reason":"work"}}`, id, on)))
	if err != nil {
		return false, false
	}
	r.Header.Set("X-API-Key", apiKey)
	r.Header.Set("Content-Type", "application/json")
	res, err := q.client.Do(r)
	if err != nil {
		return false, false
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return field(body, "replayed") == true, err == nil && res.StatusCode == 200
}
