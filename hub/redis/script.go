package redis

import (
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
)

//go:embed epoch.lua
var epochLua string

//go:embed load.lua
var loadLua string

//go:embed history.lua
var historyLua string

//go:embed heads.lua
var headsLua string

//go:embed layout.lua
var layoutLua string

// The scripts that write for a caller begin with a shebang: the server then
// refuses them whole, before their first step, where it could refuse a later
// one (out of memory, a disk that is full). Those that read do not, so that
// reading goes on then.
const writes = "#!lua\n"

var (
	loadScript    = newScript(epochLua + loadLua)
	historyScript = newScript(epochLua + historyLua)
	headsScript   = newScript(epochLua + headsLua)
	layoutScript  = newScript(writes + layoutLua)
)

// script is run by its digest, and sent whole to a server that does not know it.
type script struct {
	source string
	sha    string
}

// scripts are all of them, in order of their making, to be loaded when a connection is new.
var scripts []*script

func newScript(source string) *script {
	sum := sha1.Sum([]byte(source)) // the name that Redis gives it, not a matter of security
	s := &script{source: source, sha: hex.EncodeToString(sum[:])}
	scripts = append(scripts, s)
	return s
}

// call makes the arguments of a script's call.
func (s *script) call(keys []string, args ...any) []any {
	c := make([]any, 0, 3+len(keys)+len(args))
	c = append(c, "EVALSHA", s.sha, len(keys))
	for _, k := range keys {
		c = append(c, k)
	}
	return append(c, args...)
}

// whole turns a call by digest into one that sends the script.
func (s *script) whole(call []any) []any {
	c := append([]any(nil), call...)
	c[0], c[1] = "EVAL", s.source
	return c
}
