package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// stock runs a script of the stock centrifuge client in Node.
func stock(t *testing.T, limit time.Duration, script string, args ...string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here; .ci/setup installs it")
	}
	if _, err := os.Stat("node_modules/centrifuge"); err != nil {
		t.Skip("the npm packages are not installed here; .ci/setup does that")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, append([]string{script}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The same story by the stock client.
func TestTheStockClientLivesTheStory(t *testing.T) {
	stock(t, 3*time.Minute, "story.mjs", binary, filepath.Join(t.TempDir(), "samepage.db"))
}

func TestTheStockClientOnPlainChannels(t *testing.T) {
	for _, encoding := range []string{"json", "protobuf"} {
		t.Run(encoding, func(t *testing.T) {
			p := serve(t, filepath.Join(t.TempDir(), "samepage.db"), `{"channel":{"without_namespace":{},"namespaces":[
				{"name":"sheet","history_size":10,"history_ttl":"1h","force_recovery":true,"allowed_delta_types":["fossil"],
				 "presence":true,"join_leave":true,"force_push_join_leave":true,"allow_subscribe_for_client":true,
				 "allow_publish_for_subscriber":true,"allow_history_for_subscriber":true,"allow_presence_for_subscriber":true},
				{"name":"closed"}]}}`)
			stock(t, time.Minute, "plain.mjs", p.url, apiKey, secret, encoding)
		})
	}
}
