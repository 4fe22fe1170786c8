package redis

import (
	"context"
	_ "embed"
	"fmt"
	"hash/fnv"
	"time"
)

//go:embed members.lua
var membersLua string

var membersScript = newScript(writes + membersLua)

// members says that we stay a member of the role for a time, 0 to leave it,
// and returns all that are.
func (s *sharing) members(ctx context.Context, stay time.Duration) ([]string, error) {
	key := s.engine.keys.of(0, keyMembers+s.role)
	reply, err := s.engine.run(ctx, 0, membersScript, []string{key}, s.node, stay.Milliseconds())
	if err != nil {
		return nil, err
	}
	l, err := list(reply, 0)
	nodes := make([]string, len(l))
	for i, v := range l {
		nodes[i] = text(v)
	}
	return nodes, err
}

// chosen is the node that a partition belongs to: the one that weighs most
// for it, so that a node which comes or goes moves its own share alone.
func chosen(nodes []string, partition int) string {
	best, most := "", uint64(0)
	for _, n := range nodes {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %s", partition, n)
		weight := h.Sum64()
		weight ^= weight >> 33 // FNV alone mixes its last bytes too little
		weight *= 0xff51afd7ed558ccd
		weight ^= weight >> 33
		if best == "" || weight > most {
			best, most = n, weight
		}
	}
	return best
}
