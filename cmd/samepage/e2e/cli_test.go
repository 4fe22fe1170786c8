package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// refused runs the program, which must end by itself with a status and a reason, without a stack.
func refused(t *testing.T, status int, reason string, args ...string) {
	t.Helper()
	p := launch(t, args...)
	p.ended()
	if got := p.cmd.ProcessState.ExitCode(); got != status || !strings.Contains(p.stderr.String(), reason) || strings.Contains(p.stderr.String(), "goroutine ") {
		t.Errorf("status %d, want %d with %q; it said: %s", got, status, reason, p.stderr)
	}
	if strings.Contains(p.stderr.String(), secret) || strings.Contains(p.stderr.String(), apiKey) {
		t.Errorf("it tells a secret: %s", p.stderr)
	}
}

func TestAConfigurationThatCannotBeIsRefusedWithItsKey(t *testing.T) {
	data := filepath.Join(t.TempDir(), "samepage.db")
	refused(t, 1, `unknown key "channel.without_namespace.histroy_size"; did you mean "channel.without_namespace.history_size"?`,
		serveArgs(t, data, `{"channel":{"without_namespace":{"histroy_size":1}}}`)...)
	refused(t, 1, "client.channel_limit: must be a whole number", serveArgs(t, data, `{"client":{"channel_limit":"many"}}`)...)
	refused(t, 1, "http_server.port", serveArgs(t, data, "", "--port", "seventy")...)
	refused(t, 1, "is not there", "serve", "--config", filepath.Join(t.TempDir(), "none.yaml"))
	refused(t, 80, "unexpected argument", "serve", "now")
	refused(t, 80, "--sub", "token")
	refused(t, 1, "can be reached from elsewhere", "demo", "--address", "0.0.0.0", "--data", data, "--port", "0")
	refused(t, 1, "client.token: rsa public key", serveArgs(t, data, `{"client":{"token":{"rsa_public_key":"no key"}}}`)...)
	if _, err := os.Stat(data); err == nil {
		t.Error("a store was made for a configuration that was refused")
	}
}

func TestAPortInUseIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	refused(t, 1, "address already in use", serveArgs(t, filepath.Join(t.TempDir(), "samepage.db"), "", "--port", port)...)
}

func TestAStoreInUseIsRefusedAndFreeAfterwards(t *testing.T) {
	data := filepath.Join(t.TempDir(), "samepage.db")
	p := serve(t, data, "")
	refused(t, 1, "in use by another process", serveArgs(t, data, "")...)
	p.stop()
	serve(t, data, "").stop()
}

func TestAStoreOfANewerFormatIsRefused(t *testing.T) {
	data := filepath.Join(t.TempDir(), "samepage.db")
	serve(t, data, "").stop()
	db, err := bbolt.Open(data, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte("99"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, 1, "format 99", serveArgs(t, data, "")...)
}

func TestAFileThatIsNoStoreIsRefusedAndLeftAlone(t *testing.T) {
	data := filepath.Join(t.TempDir(), "samepage.db")
	text := []byte(strings.Repeat("my diary\n", 2000))
	if err := os.WriteFile(data, text, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, 1, "not a Samepage store", serveArgs(t, data, "")...)
	if now, err := os.ReadFile(data); err != nil || string(now) != string(text) {
		t.Errorf("the file is not what it was: %v", err)
	}
}

func TestTokensMintedByTheProgramAreGood(t *testing.T) {
	p := serve(t, filepath.Join(t.TempDir(), "samepage.db"), "")
	mint := exec.Command(binary, "token", "--role", "customer", "--sub", "c-9", "--info", `{"name":"Zoe"}`)
	mint.Env = p.cmd.Env
	out, err := mint.Output()
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(out))
	if a := p.call("GET", "/v1/channels/context:c-9", token, ""); a.status != 200 {
		t.Errorf("own context: %d %s", a.status, a.body)
	}
	if a := p.call("GET", "/v1/channels/context:c-8", token, ""); a.status != 403 || a.field("code") != "forbidden" {
		t.Errorf("another's context: %d %s", a.status, a.body)
	}
}

// A server that is asked to go tells its devices to come back, and its streams end.
func TestADeployIsQuiet(t *testing.T) {
	data := filepath.Join(t.TempDir(), "samepage.db")
	p := serve(t, data, `{"shutdown":{"drain":"200ms"}}`)
	app := p.connect(t, mayaToken)
	app.subscribe(maya)
	p.stop()
	if code := app.closeCode(); code != 3001 {
		t.Errorf("the app is closed with %d", code)
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	p := serve(t, filepath.Join(t.TempDir(), "samepage.db"), `{"shutdown":{"drain":"10m"}}`)
	for range 5 {
		p.connect(t, mayaToken)
	}
	for range 2 {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it heard", func() bool { return strings.Contains(p.stderr.String(), "stopping") })
	}
	p.ended()
	if p.err == nil {
		t.Error("a process that was cut off says that all went well")
	}
}
