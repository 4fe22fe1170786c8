package main

import (
	"context"
	"fmt"
)

// serveCommand runs the hub until a signal ends it.
type serveCommand struct {
	listen
	InsecureAnonymous bool `help:"Admit guests without a token: they see what plain channels show to anonymous visitors. Development only."`
}

// Run implements the command.
func (cmd *serveCommand) Run(p *process) error {
	given := cmd.given()
	if cmd.InsecureAnonymous {
		given["client.allow_anonymous_connect_without_token"] = new("true")
	}
	config, log, err := cmd.load(p, defaultConfig(), given)
	if err != nil {
		return err
	}
	ctx, stop := p.signals()
	defer stop()
	h, err := build(config, log, nil)
	if err != nil {
		return err
	}
	for _, w := range config.warnings() {
		log.Warn(w)
	}
	return h.run(ctx, func(ctx context.Context) error {
		h.awake(ctx)
		_, err := fmt.Fprintf(p.stdout, "samepage: listening on %s\n", h.url())
		return err
	})
}

// warnings are about what is allowed but seldom meant.
func (c *Config) warnings() []string {
	var w []string
	if c.Engine == engineBolt && len(c.Redis.Address) > 0 {
		w = append(w, "redis.address is set, but the engine is bolt: it is not used (--engine redis)")
	}
	t := c.Client.Token
	if !c.Client.Insecure && !c.Client.AllowAnonymous && t.HMACSecretKey == "" && t.RSAPublicKey == "" &&
		t.ECDSAPublicKey == "" && t.EdDSAPublicKey == "" && t.JWKSPublicEndpoint == "" {
		w = append(w, "no key for tokens is configured (client.token.hmac_secret_key and its like): no touchpoint can connect")
	}
	if c.Client.Insecure {
		w = append(w, "client.insecure is set: everybody may do everything on plain channels")
	}
	if c.HTTPAPI.Insecure {
		w = append(w, "http_api.insecure is set: everybody who reaches the port is a backend")
	}
	return w
}
