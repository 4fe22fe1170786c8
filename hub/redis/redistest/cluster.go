package redistest

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Cluster is three masters and a replica of each.
type Cluster struct {
	Servers []*Server // the masters first, at the beginning

	t testing.TB
}

// StartCluster runs a cluster of six processes and waits until it is whole.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	if _, err := exec.LookPath("redis-cli"); err != nil {
		t.Skip("redis-cli is not installed")
	}
	c := &Cluster{t: t}
	args = append([]string{"--cluster-enabled", "yes", "--cluster-node-timeout", "1500"}, args...)
	create := []string{"--cluster", "create"}
	for range 6 {
		s := Start(t, args...)
		c.Servers = append(c.Servers, s)
		create = append(create, s.Addr())
	}
	out, err := exec.Command("redis-cli", append(create, "--cluster-replicas", "1", "--cluster-yes")...).CombinedOutput()
	if err != nil {
		t.Fatalf("create the cluster: %v\n%s", err, out)
	}
	c.WaitWhole()
	return c
}

// URL is the address as an engine takes it, by one of the nodes.
func (c *Cluster) URL() string { return "redis+cluster://" + c.Servers[0].Addr() }

// WaitWhole waits until all nodes agree that all slots are served, by masters that each have a replica.
func (c *Cluster) WaitWhole() {
	c.t.Helper()
	for _, s := range c.Servers {
		s.WaitFor("the cluster is whole as "+s.Addr()+" sees it", func() bool {
			info, err := s.try("CLUSTER", "INFO")
			if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:6") {
				return false
			}
			nodes, err := s.try("CLUSTER", "NODES")
			return err == nil && strings.Count(nodes, "slave") == 3 && !strings.Contains(nodes, "handshake")
		})
	}
	for _, s := range c.Servers {
		s.WaitFor(s.Addr()+" is linked to its master", func() bool {
			return s.Info("role") == "master" || s.Info("master_link_status") == "up"
		})
	}
}

// Node is what CLUSTER NODES says of one node.
type Node struct {
	ID     string
	Server *Server
	Master string // its master's id; empty for a master
	Slots  [][2]int
}

// Nodes are all of them, as the first server that answers sees them.
func (c *Cluster) Nodes() []Node {
	c.t.Helper()
	for _, s := range c.Servers {
		if nodes := c.seenBy(s); len(nodes) > 0 {
			return nodes
		}
	}
	c.t.Fatal("no node of the cluster answers")
	return nil
}

// seenBy are the nodes as one of them sees them; none if it does not answer.
func (c *Cluster) seenBy(one *Server) []Node {
	text, err := one.try("CLUSTER", "NODES")
	if err != nil || strings.HasPrefix(text, "-") {
		return nil
	}
	var nodes []Node
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 8 {
			continue
		}
		addr, _, _ := strings.Cut(fields[1], "@")
		n := Node{ID: fields[0]}
		for _, s := range c.Servers {
			if s.Addr() == addr {
				n.Server = s
			}
		}
		if fields[3] != "-" {
			n.Master = fields[3]
		}
		for _, r := range fields[8:] {
			if strings.HasPrefix(r, "[") {
				continue
			}
			from, to, ok := strings.Cut(r, "-")
			if !ok {
				to = from
			}
			a, _ := strconv.Atoi(from)
			b, _ := strconv.Atoi(to)
			n.Slots = append(n.Slots, [2]int{a, b})
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// Owner is the master of a slot.
func (c *Cluster) Owner(slot int) Node {
	c.t.Helper()
	n, ok := owner(c.Nodes(), slot)
	if !ok {
		c.t.Fatalf("slot %d has no master", slot)
	}
	return n
}

// OwnerSeenBy is the master of a slot as one server sees it; false if it sees none.
func (c *Cluster) OwnerSeenBy(one *Server, slot int) (Node, bool) { return owner(c.seenBy(one), slot) }

func owner(nodes []Node, slot int) (Node, bool) {
	for _, n := range nodes {
		for _, r := range n.Slots {
			if n.Master == "" && slot >= r[0] && slot <= r[1] {
				return n, true
			}
		}
	}
	return Node{}, false
}

// MoveSlot takes a slot with its keys to another master.
func (c *Cluster) MoveSlot(slot int, to Node) {
	c.t.Helper()
	from := c.Owner(slot)
	n := strconv.Itoa(slot)
	to.Server.Do("CLUSTER", "SETSLOT", n, "IMPORTING", from.ID)
	from.Server.Do("CLUSTER", "SETSLOT", n, "MIGRATING", to.ID)
	for {
		out, err := exec.Command("redis-cli", "-p", strconv.Itoa(from.Server.Port), "CLUSTER", "GETKEYSINSLOT", n, "50").Output()
		if err != nil {
			c.t.Fatal(err)
		}
		if len(strings.TrimSpace(string(out))) == 0 {
			break
		}
		keys := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
		from.Server.Do(append([]string{"MIGRATE", "127.0.0.1", strconv.Itoa(to.Server.Port), "", "0", "5000", "KEYS"}, keys...)...)
	}
	for _, s := range []*Server{to.Server, from.Server} {
		s.Do("CLUSTER", "SETSLOT", n, "NODE", to.ID)
	}
	for _, node := range c.Nodes() {
		if node.Master == "" && node.ID != to.ID && node.ID != from.ID {
			node.Server.Do("CLUSTER", "SETSLOT", n, "NODE", to.ID)
		}
	}
}
