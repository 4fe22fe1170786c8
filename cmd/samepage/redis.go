package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/redis"
	"github.com/samepage/samepage/presence"
	presenceredis "github.com/samepage/samepage/presence/redis"
)

// RedisConfig is the store of several nodes that are one hub.
type RedisConfig struct {
	Address     Addresses    `yaml:"address" help:"URL of the store: redis://, rediss://, redis+sentinel://host,host/NAME or redis+cluster://host,host; or a list of a cluster's hosts"`
	CAFile      string       `yaml:"ca_file" help:"certificates, PEM, that rediss servers are checked with; without: those of the system"`
	Prefix      string       `yaml:"prefix" help:"begins every key, so that several hubs can share a server"`
	Acks        string       `yaml:"acks" help:"what a command waits for besides the master: replica:N, that N replicas have it; aof, that the master's append only file is synced"`
	AckTimeout  hub.Duration `yaml:"ack_timeout" help:"how long that may take before a command's outcome is unknown"`
	Timeout     hub.Duration `yaml:"timeout" help:"how long one round trip may take"`
	Patience    hub.Duration `yaml:"patience" help:"how long a command waits for a server that has just gone away"`
	Connections int          `yaml:"connections" help:"connections to each master that carry commands"`
	Queue       int          `yaml:"queue" help:"commands that may wait for each master; more are refused as unavailable"`
	Check       hub.Duration `yaml:"check_interval" help:"how often followed channels are compared with the store, to find what was lost on the way"`
	Linger      hub.Duration `yaml:"linger" help:"how long a channel stays subscribed after its last follower left"`
}

func defaultRedis() RedisConfig {
	return RedisConfig{
		Prefix: "samepage", AckTimeout: hub.Duration(time.Second), Timeout: hub.Duration(2 * time.Second),
		Patience: hub.Duration(500 * time.Millisecond), Connections: 2, Queue: 8192,
		Check: hub.Duration(time.Second), Linger: hub.Duration(5 * time.Second),
	}
}

// The engines there are.
const (
	engineBolt  = "bolt"
	engineRedis = "redis"
)

// checkEngine reports what cannot be about the store, by its key.
func (c *Config) checkEngine() error {
	switch c.Engine {
	case engineBolt:
		if c.Data == "" {
			return fmt.Errorf("data: a store needs a file")
		}
	case engineRedis:
		if len(c.Redis.Address) == 0 {
			return fmt.Errorf("redis.address: the redis engine needs one, such as redis://127.0.0.1:6379")
		}
	default:
		return fmt.Errorf("engine: %q is neither bolt nor redis", c.Engine)
	}
	for key, d := range map[string]hub.Duration{
		"redis.ack_timeout": c.Redis.AckTimeout, "redis.timeout": c.Redis.Timeout, "redis.patience": c.Redis.Patience,
		"redis.check_interval": c.Redis.Check, "redis.linger": c.Redis.Linger,
	} {
		if d <= 0 {
			return fmt.Errorf("%s: must be longer than nothing", key)
		}
	}
	return nil
}

// redisOptions are those of the engine.
func (c *Config) redisOptions(log *slog.Logger) (redis.Options, error) {
	r := c.Redis
	o := redis.Options{
		Prefix: r.Prefix, Partitions: c.Store.Partitions, Acks: r.Acks, AckTimeout: time.Duration(r.AckTimeout),
		LogSize: c.Store.LogSize, LogAge: time.Duration(c.Store.LogAge),
		RecordsSize: c.Store.RecordsSize, RecordsAge: time.Duration(c.Store.RecordsAge),
		Timeout: time.Duration(r.Timeout), Patience: time.Duration(r.Patience),
		Connections: r.Connections, Queue: r.Queue, Logger: log,
	}
	for _, a := range r.Address {
		o.Addresses = append(o.Addresses, string(a))
	}
	if r.CAFile != "" {
		pem, err := os.ReadFile(r.CAFile)
		if err != nil {
			return o, fmt.Errorf("redis.ca_file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return o, errors.New("redis.ca_file: holds no certificate")
		}
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return o, nil
}

// openRedis connects to the store that all nodes have together.
func (h *house) openRedis() error {
	o, err := h.config.redisOptions(h.log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	engine, err := redis.Open(ctx, o)
	if err != nil {
		return err
	}
	client, err := redis.NewClient(o)
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	tell := func(t hub.MessageType) func(string, presence.Member) {
		return func(channel string, m presence.Member) { h.announce(t, hub.Channel(channel), m) }
	}
	members := presenceredis.New(client, presenceredis.Options{
		Prefix: o.Prefix, Logger: h.log, Left: tell(hub.MessageLeave), Joined: tell(hub.MessageJoin),
	})
	h.engine, h.shares = engine, newShares(engine, h.log)
	h.members, h.runMembers, h.closeMembers = members, members.Run, client.Close
	return nil
}

// announce tells a channel's followers of members whose node died, and of
// those of a node that only seemed to have.
func (h *house) announce(t hub.MessageType, ch hub.Channel, m presence.Member) {
	if options, ok := h.config.Channel.Options(ch); !ok || !options.JoinLeave {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	info := &hub.ClientInfo{Client: m.Client, User: m.User, ConnInfo: m.ConnInfo, ChanInfo: m.ChanInfo}
	if err := h.hub.Send(ctx, &hub.Message{Channel: ch, Type: t, Info: info}); err != nil {
		h.log.Warn("a dead node's member left unannounced", "channel", ch, "err", err)
	}
}

// Addresses are the URLs of a store. A file may also write them as one text,
// with spaces between them.
type Addresses []Address

// Address is a URL whose password is never shown.
type Address string

// String hides the password.
func (a Address) String() string {
	scheme, rest, ok := strings.Cut(string(a), "://")
	if !ok {
		return "(set)"
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = "(set)@" + rest[i+1:]
	}
	rest, _, query := strings.Cut(rest, "?") // it may hold a Sentinel's password
	if query {
		rest += "?(set)"
	}
	return scheme + "://" + rest
}

// LogValue implements [slog.LogValuer].
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText hides the password.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText takes the text as it is.
func (a *Address) UnmarshalText(text []byte) error {
	*a = Address(text)
	return nil
}

// addressesOf takes a text apart: at spaces, and at commas in front of another URL.
func addressesOf(text string) Addresses {
	var all Addresses
	for word := range strings.FieldsSeq(text) {
		for part := range strings.SplitSeq(word, ",") {
			if strings.Contains(part, "://") || len(all) == 0 {
				all = append(all, Address(part))
			} else {
				all[len(all)-1] += Address("," + part) // another host of the same URL
			}
		}
	}
	return all
}
