package redis

import (
	"context"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
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
