package redis

import (
	"context"
	"fmt"
	"sync"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// NewClient is a client of the driver for the addresses of the options, for
// rooms that keep things of their own in the same store. It connects when it
// is first used; whoever asked for it closes it.
func NewClient(o Options) (goredis.UniversalClient, error) {
	o = o.withDefaults()
	a, err := parseAddresses(o.Addresses)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	t := newTopology(context.Background(), a, &o, acks{})
	if a.kind != cluster {
		return t.dial(a.hosts[0]), nil
	}
	c := t.clientOptions("")
	return goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: a.hosts, Username: c.Username, Password: c.Password, TLSConfig: c.TLSConfig,
		Protocol: c.Protocol, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: c.MaintNotificationsConfig, DialerRetries: 1,
		DialTimeout: c.DialTimeout, ReadTimeout: c.ReadTimeout, WriteTimeout: c.WriteTimeout,
	}), nil
}

// clientOptions are those of every connection to a master.
func (t *topology) clientOptions(addr string) *goredis.Options {
	reply := t.opts.Timeout
	if t.acks.wanted() {
		reply += t.opts.AckTimeout
	}
	return &goredis.Options{
		Addr: addr, Username: t.address.username, Password: t.address.password, DB: t.address.db,
		TLSConfig: t.address.tls(t.opts.TLS),
		Protocol:  2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1, DialerRetries: 1, // a commit is never sent twice behind our back
		DialTimeout: t.opts.Timeout, ReadTimeout: reply, WriteTimeout: t.opts.Timeout,
		PoolSize: t.opts.Connections + 2, PipelinePoolSize: t.opts.Connections,
	}
}

// dial makes the client of one server, or of the master behind the Sentinels.
func (t *topology) dial(addr string) *goredis.Client {
	o := t.clientOptions(addr)
	if t.address.kind != sentinel {
		return goredis.NewClient(o)
	}
	return goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName: t.address.master, SentinelAddrs: t.address.hosts,
		SentinelUsername: t.address.sentinelUsername, SentinelPassword: t.address.sentinelPassword,
		Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig,
		Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaxRetries: -1, DialerRetries: 1,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		PoolSize: o.PoolSize, PipelinePoolSize: o.PipelinePoolSize,
	})
}

// quiet is the driver's logger: what it would write to standard error, nodes
// and links tell by themselves, once.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

var silence = sync.OnceFunc(func() { goredis.SetLogger(quiet{}) })
