package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The same story by the stock centrifuge client, in Node.
func TestTheStockClientLivesTheStory(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here; .ci/setup installs it")
	}
	if _, err := os.Stat("node_modules/centrifuge"); err != nil {
		t.Skip("the npm packages are not installed here; .ci/setup does that")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "story.mjs", binary, filepath.Join(t.TempDir(), "samepage.db"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
