package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
	"github.com/samepage/samepage/hub/custom"
	"github.com/samepage/samepage/hub/view"
	"github.com/samepage/samepage/sessions"
)

// What each room wants to know, out of the configuration.

func (c *Config) boltOptions() bolt.Options {
	return bolt.Options{
		Partitions: c.Store.Partitions,
		LogSize:    c.Store.LogSize, LogAge: time.Duration(c.Store.LogAge),
		RecordsSize: c.Store.RecordsSize, RecordsAge: time.Duration(c.Store.RecordsAge),
	}
}

func (c *Config) commerceConfig() commerce.Config {
	earn := c.Loyalty.Earn
	if earn == 0 {
		earn = -1 // there, 0 is the default
	}
	t := c.Commerce
	return commerce.Config{
		Loyalty:     commerce.Points{Earn: earn, Value: c.Loyalty.Value},
		Preparation: time.Duration(t.Preparation), Hold: time.Duration(t.Hold), Freeze: time.Duration(t.Freeze),
		Lock: time.Duration(t.Lock), Undo: time.Duration(t.Undo), Abandon: orNever(t.Abandon), Accept: orNever(t.Accept), Late: orNever(t.Late), NoShow: orNever(t.NoShow),
		Identities: c.identities(), CartMerge: c.Customer.CartMerge,
		CheckInCode: time.Duration(c.Customer.CheckInCode), CheckIn: time.Duration(c.Customer.CheckIn),
	}
}

func (c *Config) identities() commerce.Identities {
	return commerce.Identities{Region: c.Customer.Region, Blocked: c.Customer.Blocked}
}

// models are the rules of the shop, of conversations and views, of who is
// blocked, and what the operator declared besides.
func (c *Config) models() ([]hub.Model, error) {
	models := []hub.Model{commerce.Model(c.commerceConfig()), care.Model(c.careConfig()), view.Model(), sessions.Model()}
	var kinds []custom.Kind
	for _, e := range c.Entries {
		kind := custom.Kind{Kind: e.Kind, Channel: e.Channel, Roles: e.Roles}
		if e.Schema != nil {
			kind.Schema = e.Schema
		}
		kinds = append(kinds, kind)
	}
	declared, err := custom.Model(kinds, models...)
	if err != nil {
		return nil, err
	}
	return append(models, declared), nil
}

// orNever is a duration of which 0 means never: there, that is below 0.
func orNever(d hub.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return time.Duration(d)
}

func (c *Config) careConfig() care.Config {
	config := care.Config{
		DefaultQueue: c.Care.DefaultQueue, Capacity: c.Care.Capacity,
		WrapUp: time.Duration(c.Care.WrapUp), ReopenWindow: time.Duration(c.Care.ReopenWindow),
		TransferTimeout: time.Duration(c.Care.Transfer),
	}
	if c.Care.WrapUp == 0 {
		config.WrapUp = -1 // there, 0 is the default
	}
	if len(c.Care.Queues) > 0 {
		config.Queues = map[string]care.Queue{}
		for name, q := range c.Care.Queues {
			config.Queues[name] = care.Queue{Bot: q.Bot, BotName: q.BotName}
		}
	}
	if len(c.Care.Windows) > 0 {
		config.Windows = map[string]time.Duration{}
		for channel, window := range c.Care.Windows {
			config.Windows[channel] = time.Duration(window)
		}
	}
	return config
}

func (c *Config) tokenOptions() sessions.TokenOptions {
	t := c.Client.Token
	return sessions.TokenOptions{
		HMACSecret: string(t.HMACSecretKey), RSAPublicKey: t.RSAPublicKey, ECDSAPublicKey: t.ECDSAPublicKey,
		EdDSAPublicKey: t.EdDSAPublicKey, JWKSURL: t.JWKSPublicEndpoint, Audience: t.Audience, Issuer: t.Issuer,
	}
}

func (c *Config) sessionOptions(log *slog.Logger) sessions.Options {
	l := c.Client
	name, _ := os.Hostname() // without one the default holds
	return sessions.Options{
		Insecure: l.Insecure, AnonymousAllowed: l.AllowAnonymous, AllowedOrigins: l.AllowedOrigins, Version: version(), Name: name,
		ConnectTimeout: time.Duration(l.StaleCloseDelay), PingInterval: time.Duration(l.PingInterval),
		PongTimeout: time.Duration(l.PongTimeout), ExpiryGrace: time.Duration(l.ExpiredDelay),
		MaxFrame: c.WebSocket.MessageSizeLimit, MaxOutbox: l.QueueMaxSize, MaxChannels: l.ChannelLimit,
		UserConnections: l.UserLimit, CommandRate: float64(l.CommandRate), CommandBurst: l.CommandBurst,
		HistoryLimit: l.HistoryLimit, RecoveryLimit: l.RecoveryLimit, Logger: log,
	}
}
