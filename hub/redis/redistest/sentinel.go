package redistest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Sentinels watch one master and its replicas.
type Sentinels struct {
	Name     string
	Master   *Server // at the beginning
	Replicas []*Server

	servers []*Server
}

// StartSentinels runs a master, replicas and three Sentinels that know each
// other. With "--requirepass" the Sentinels have the same password.
func StartSentinels(t testing.TB, replicas int, args ...string) *Sentinels {
	t.Helper()
	password, secret := option(args, "--requirepass"), ""
	if password != "" {
		args = append(args, "--masterauth", password)
		secret = "requirepass " + password + "\nsentinel sentinel-pass " + password + "\nsentinel auth-pass hub " + password + "\n"
	}
	s := &Sentinels{Name: "hub", Master: Start(t, args...)}
	for range replicas {
		r := Start(t, append([]string{"--replicaof", "127.0.0.1 " + strconv.Itoa(s.Master.Port)}, args...)...)
		r.WaitFor("the replica is in step", func() bool { return r.Info("master_link_status") == "up" })
		s.Replicas = append(s.Replicas, r)
	}
	for range 3 {
		conf := filepath.Join(t.TempDir(), "sentinel.conf")
		text := "sentinel monitor hub 127.0.0.1 " + strconv.Itoa(s.Master.Port) + " 2\n" +
			"sentinel down-after-milliseconds hub 1000\nsentinel failover-timeout hub 6000\nsentinel parallel-syncs hub 1\n" + secret
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.servers = append(s.servers, startSentinel(t, conf, password))
	}
	for _, one := range s.servers {
		one.WaitFor("the Sentinels know each other and the replicas", func() bool {
			info := one.Do("INFO", "sentinel")
			return strings.Contains(info, "sentinels=3") && strings.Contains(info, "slaves="+strconv.Itoa(replicas)) && strings.Contains(info, "status=ok")
		})
	}
	return s
}

// URL is the address as an engine takes it.
func (s *Sentinels) URL() string {
	addrs := make([]string, len(s.servers))
	for i, one := range s.servers {
		addrs[i] = one.Addr()
	}
	query := ""
	if password := s.Master.Password; password != "" {
		query = "?sentinel_password=" + password
	}
	return "redis+sentinel://" + credentials(s.Master.Password) + strings.Join(addrs, ",") + "/" + s.Name + query
}

// Lag stops a replica's replication for good, from now on: what is written
// next is on the master alone, even if the replica is resumed after the
// master's end.
func (s *Sentinels) Lag(replica *Server) {
	replica.Pause()
	junk := strings.Repeat("x", 1<<20)
	for range 24 { // more than the buffers between them hold
		s.Master.Do("SET", "junk", junk)
	}
}

// WaitForMaster waits until all Sentinels name a master other than one, and returns it.
func (s *Sentinels) WaitForMaster(not *Server) *Server {
	var master *Server
	for _, one := range s.servers {
		one.WaitFor("another master is named", func() bool {
			info := one.Do("INFO", "sentinel")
			for _, r := range append([]*Server{s.Master}, s.Replicas...) {
				if r != not && strings.Contains(info, "address="+r.Addr()+",") && r.Info("role") == "master" {
					master = r
					return true
				}
			}
			return false
		})
	}
	return master
}

func startSentinel(t testing.TB, conf, password string) *Server {
	t.Helper()
	s := &Server{t: t, dir: filepath.Dir(conf), conf: conf, Password: password}
	for try := 0; ; try++ {
		s.Port = freePort(t)
		if s.start() {
			break
		}
		if try == 5 {
			t.Fatalf("the Sentinel does not start:\n%s", s.Log())
		}
	}
	t.Cleanup(s.Kill)
	return s
}
