package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/samepage/samepage/hub"
)

// tokenCommand mints a token with the HMAC key of the configuration.
type tokenCommand struct {
	common
	HMACSecretKey *string  `name:"hmac-secret-key" placeholder:"KEY" help:"The key to sign with (client.token.hmac_secret_key)."`
	Sub           string   `required:"" placeholder:"ID" help:"Whose token it is: c-42, anna, till-1."`
	Role          string   `enum:"customer,pos,agent,supervisor,service,bot,guest" default:"guest" help:"${enum} (guest: plain channels only)."`
	Name          string   `help:"Display name, shown to others."`
	Context       string   `placeholder:"ID" help:"customer: the context it is for (the sub)."`
	Store         string   `placeholder:"ID" help:"pos: its store."`
	Device        string   `placeholder:"ID" help:"pos: its device."`
	Queues        []string `placeholder:"ID" help:"agent, supervisor, bot: their queues."`
	Skills        []string `placeholder:"WORD" help:"agent: what they can."`
	Capacity      int      `placeholder:"N" help:"agent: conversations at a time."`
	Info          string   `placeholder:"JSON" help:"What presence shows of it."`
	Channels      []string `placeholder:"NAME" help:"Channels it is subscribed to on connect."`
	Grants        string   `placeholder:"JSON" help:"Further rights: [{\"channels\":[\"news:*\"],\"can\":[\"subscribe\",\"publish\"]}]."`
	Scopes        []string `placeholder:"KIND,…" help:"service: the kinds of channel it works on: store, context:read; all if left out."`
	Exp           string   `default:"1h" placeholder:"DURATION" help:"How long it is good; 0: for ever (1h)."`
	JTI           string   `name:"jti" placeholder:"ID" help:"Its id."`
}

// claims are those of a Samepage token. Empty ones are left out.
type claims struct {
	Sub      string          `json:"sub"`
	Exp      int64           `json:"exp,omitempty"`
	IssuedAt int64           `json:"iat,omitempty"`
	ID       string          `json:"jti,omitempty"`
	Audience string          `json:"aud,omitempty"`
	Issuer   string          `json:"iss,omitempty"`
	Role     string          `json:"role,omitempty"`
	Name     string          `json:"name,omitempty"`
	Context  string          `json:"context,omitempty"`
	Store    string          `json:"store,omitempty"`
	Device   string          `json:"device,omitempty"`
	Queues   []string        `json:"queues,omitempty"`
	Skills   []string        `json:"skills,omitempty"`
	Capacity int             `json:"capacity,omitempty"`
	Info     json.RawMessage `json:"info,omitempty"`
	Channels []string        `json:"channels,omitempty"`
	Grants   json.RawMessage `json:"grants,omitempty"`
	Scopes   []string        `json:"scopes,omitempty"`
}

// Run implements the command.
func (cmd *tokenCommand) Run(p *process) error {
	config, _, err := cmd.load(p, defaultConfig(), map[string]*string{"client.token.hmac_secret_key": cmd.HMACSecretKey})
	if err != nil {
		return err
	}
	key := config.Client.Token.HMACSecretKey
	if key == "" {
		return fmt.Errorf("client.token.hmac_secret_key: needed to sign a token; see samepage token --help")
	}
	c := claims{
		Sub: cmd.Sub, Role: cmd.Role, Name: cmd.Name, Context: cmd.Context, Store: cmd.Store, Device: cmd.Device,
		Queues: cmd.Queues, Skills: cmd.Skills, Capacity: cmd.Capacity, Channels: cmd.Channels, Scopes: cmd.Scopes, ID: cmd.JTI,
		Audience: config.Client.Token.Audience, Issuer: config.Client.Token.Issuer,
	}
	if cmd.Role == string(hub.RoleGuest) {
		c.Role = ""
	}
	if c.Info, err = jsonFlag("--info", cmd.Info); err != nil {
		return err
	}
	if c.Grants, err = jsonFlag("--grants", cmd.Grants); err != nil {
		return err
	}
	life, err := cmd.life()
	if err != nil {
		return err
	}
	token, err := mint(key, c, time.Now(), life)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, token)
	return err
}

// life is how long the token is good; a number alone is seconds.
func (cmd *tokenCommand) life() (time.Duration, error) {
	if n, err := strconv.Atoi(cmd.Exp); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	life, err := time.ParseDuration(cmd.Exp)
	if err != nil {
		return 0, fmt.Errorf("--exp: %q is no duration such as 15m or 24h", cmd.Exp)
	}
	return life, nil
}

func jsonFlag(name, text string) (json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	if !json.Valid([]byte(text)) {
		return nil, fmt.Errorf("%s: not JSON", name)
	}
	return json.RawMessage(text), nil
}

// mint signs claims as an HS256 JWT that is good for life; 0: for ever.
func mint(key Secret, c claims, now time.Time, life time.Duration) (string, error) {
	c.IssuedAt = now.Unix()
	if life != 0 {
		c.Exp = now.Add(life).Unix()
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode the token: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(payload)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}
