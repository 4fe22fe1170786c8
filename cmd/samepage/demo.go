package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/samepage/samepage/hub"
)

// demoCommand runs a hub with a little café in it.
type demoCommand struct {
	listen
}

// Help implements [kong.HelpProvider].
func (*demoCommand) Help() string {
	return "The shop is kept in samepage-demo.db unless --data names another file; what was done in it is there again at the next start. Only this machine can reach it."
}

// Run implements the command.
func (cmd *demoCommand) Run(p *process) error {
	config, log, err := cmd.load(p, demoConfig(), cmd.given())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(config.HTTPServer.Address); config.HTTPServer.Address != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("http_server.address: %s can be reached from elsewhere; the demo gives its tokens to everybody and listens on this machine only", config.HTTPServer.Address)
	}
	if err := config.demoKeys(config.Data + ".keys"); err != nil {
		return err
	}
	ctx, stop := p.signals()
	defer stop()
	t := config.Client.Token
	h, err := build(config, log, &demoSessions{key: t.HMACSecretKey, audience: t.Audience, issuer: t.Issuer, now: time.Now})
	if err != nil {
		return err
	}
	return h.run(ctx, func(ctx context.Context) error {
		h.awake(ctx)
		if err := seed(ctx, h.hub); err != nil {
			return err
		}
		if err := printDemo(p.stdout, h.url(), string(config.HTTPAPI.Key)); err != nil {
			return err
		}
		b := backend{hub: h.hub, log: log, pause: 1500 * time.Millisecond, now: time.Now}
		return b.run(ctx)
	})
}

// demoConfig is what holds in the demo where nobody says otherwise: news for
// everybody, and a bot that answers first.
func demoConfig() *Config {
	c := defaultConfig()
	c.Data = "samepage-demo.db"
	c.Log.Level = "warn"
	c.Channel.WithoutNamespace = hub.ChannelOptions{
		HistorySize: 100, HistoryTTL: hub.Duration(24 * time.Hour), ForceRecovery: true, Presence: true,
		AllowSubscribeForClient: true, AllowSubscribeForAnonymous: true,
		AllowHistoryForSubscriber: true, AllowPresenceForSubscriber: true,
	}
	c.Care.Queues = map[string]QueueConfig{"support": {Bot: demoBot.ID, BotName: demoBot.Name}}
	return c
}

// printDemo says where the demo is and what a backend would do.
func printDemo(w io.Writer, url, key string) error {
	_, err := fmt.Fprintf(w, `samepage: listening on %[1]s

Open %[1]s/ to see a customer's app, a store's board and an agent's desk side by side.

What a backend would do:

  # publish a price: it is in every open page at once
  curl -X POST %[1]s/v1/commands/catalog.set -H 'X-API-Key: %[2]s' -H 'Content-Type: application/json' -d '{"id":"price-'$(date +%%s)'","on":"catalog:default","args":{"items":{"latte":{"name":"Latte","price":{"amount":480,"currency":"USD"}}}}}'

  # publish to a plain channel
  curl -X POST %[1]s/api/publish -H 'X-API-Key: %[2]s' -H 'Content-Type: application/json' -d '{"channel":"news","data":{"text":"Fresh croissants at Market Street"}}'

  # read what is known of a customer
  curl %[1]s/v1/channels/context:c-42 -H 'X-API-Key: %[2]s'

`, url, key)
	return err
}
