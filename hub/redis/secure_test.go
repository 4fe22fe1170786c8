package redis_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/hub/redis/redistest"
)

// works commits, and hears of it by the connection that listens.
func works(t *testing.T, e *redis.Engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan *hub.Message, 16)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	work.Go(func() { _ = e.Listen(ctx, func(m *hub.Message) { heard <- m }) })
	if err := e.Follow(ctx, "context:c"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		r, err := e.Commit(ctx, added("k", `{}`))
		if err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-heard:
			if m.Channel != "context:c" || m.Position.Offset > r.Position.Offset {
				t.Errorf("heard %+v", m)
			}
			return
		case <-time.After(200 * time.Millisecond): // listening may just be starting
			if time.Now().After(deadline) {
				t.Fatal("nothing is heard")
			}
		}
	}
}

func TestConnectionsAreEncryptedWhereTheAddressSaysSo(t *testing.T) {
	t.Parallel()
	server, url, cert := redistest.StartTLS(t, "--requirepass", "hunter2")
	pem, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	o := at(url)
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	o.TLS.RootCAs.AppendCertsFromPEM(pem)
	works(t, open(t, o))
	for line := range strings.SplitSeq(server.Do("CLIENT", "LIST"), "\n") {
		if strings.Contains(line, " laddr="+server.Addr()+" ") && !strings.Contains(line, " cmd=client") {
			t.Errorf("a connection in the clear: %s", line)
		}
	}
	if _, err := redis.Open(t.Context(), at(url)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

func TestPasswordsOfServersAndSentinels(t *testing.T) {
	t.Parallel()
	sentinels := redistest.StartSentinels(t, 1, "--requirepass", "hunter2")
	url := sentinels.URL()
	works(t, open(t, at(url)))
	named := redistest.Start(t, "--user", "hub", "on", ">s3cret", "~*", "&*", "+@all")
	works(t, open(t, at("redis://hub:s3cret@"+named.Addr())))
	for name, wrong := range map[string]string{
		"of the master":     strings.Replace(url, ":hunter2@", ":wrong@", 1),
		"of the Sentinels":  strings.Replace(url, "sentinel_password=hunter2", "sentinel_password=wrong", 1),
		"of a named user":   "redis://hub:wrong@" + named.Addr(),
		"of a user unknown": "redis://nobody:s3cret@" + named.Addr(),
	} {
		o := at(wrong)
		o.Timeout = 500 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		e, err := redis.Open(ctx, o)
		cancel()
		if err == nil {
			_ = e.Close()
			t.Errorf("opened with a wrong password %s", name)
		} else if text := err.Error(); !strings.Contains(text, "WRONGPASS") || strings.Contains(text, "hunter2") || strings.Contains(text, "s3cret") {
			t.Errorf("a wrong password %s: %v", name, err)
		}
	}
}
