package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// limitFiles sets how large files may become that a process writes: what it
// writes behind that fails, as on a full disk.
func limitFiles(t *testing.T, pid int, size uint64) {
	t.Helper()
	const rlimitFsize = 1
	limit := syscall.Rlimit{Cur: size, Max: ^uint64(0)}
	if _, _, errno := syscall.Syscall6(syscall.SYS_PRLIMIT64, uintptr(pid), rlimitFsize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0); errno != 0 {
		t.Skipf("limits of another process cannot be set here: %v", errno)
	}
}

// A full disk: commands are unavailable, reads and sockets go on, readyz says
// why, and it heals without a restart.
func TestAFullDiskStopsCommandsAndNothingElse(t *testing.T) {
	p := serve(t, filepath.Join(t.TempDir(), "samepage.db"), shopConfig)
	p.command("loyalty.adjust", maya, "d-1", `{"points":1,"reason":"work"}`)
	s := p.connect(t, mayaToken)
	s.subscribe(maya)
	offset, epoch := p.position(maya)

	limitFiles(t, p.cmd.Process.Pid, 4096)
	adjust := `{"id":"d-2","on":"` + maya + `","args":{"points":1,"reason":"work"}}`
	if a := p.call("POST", "/v1/commands/loyalty.adjust", "", adjust); a.status != 503 || a.field("code") != "unavailable" {
		t.Errorf("a command: %d %s", a.status, a.body)
	}
	if a := s.command("cart.open", maya, "d-3", `{"cart":"ca1"}`); a.field("problem|code") != "unavailable" {
		t.Errorf("a command by socket: %s", a.body)
	}
	eventually(t, "readyz says why", func() bool {
		a := p.call("GET", "/readyz", "-", "")
		reason, _ := a.field("reason").(string)
		return a.status == 503 && strings.Contains(reason, "store")
	})
	if a := p.call("GET", "/v1/channels/"+maya, mayaToken, ""); a.status != 200 || a.field("offset") != offset {
		t.Errorf("a read: %d %s", a.status, a.body)
	}
	if back := p.connect(t, mayaToken).recover(maya, epoch, offset); !back.Recovered {
		t.Errorf("a subscription: %+v", back)
	}
	if a := p.call("POST", "/api/publish", "", `{"channel":"news","data":{}}`); a.field("result") == nil {
		t.Errorf("a plain publish: %s", a.body)
	}

	limitFiles(t, p.cmd.Process.Pid, ^uint64(0))
	eventually(t, "it is ready again", func() bool { return p.call("GET", "/readyz", "-", "").status == 200 })
	eventually(t, "the same command is accepted", func() bool {
		return p.call("POST", "/v1/commands/loyalty.adjust", "", adjust).status == 200
	})
	if got := p.balance(); got != 2 {
		t.Errorf("the balance is %v", got)
	}
}
