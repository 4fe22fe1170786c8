package sessions

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
)

// Errors of [Tokens]. They may be wrapped with the reason, which is for logs.
var (
	ErrTokenExpired = errors.New("sessions: token expired")
	ErrTokenInvalid = errors.New("sessions: token not valid")
)

// TokenOptions name the keys tokens are checked with. Keys that are not set
// make their algorithms unknown; with none at all every token is refused.
type TokenOptions struct {
	HMACSecret     string // HS256, HS384, HS512
	RSAPublicKey   string // PEM; RS*, PS*
	ECDSAPublicKey string // PEM; ES*
	EdDSAPublicKey string // PEM, or the 32 bytes in base64; EdDSA
	JWKSURL        string // a key set, fetched by Run and again when a token names an unknown key
	Audience       string // if set, tokens must name it in aud
	Issuer         string // if set, tokens must name it in iss

	JWKSRefresh time.Duration    // how often the key set is fetched again. Defaults to 1 h.
	JWKSPause   time.Duration    // how long it is not, whatever key a token names. Defaults to 5 s.
	Leeway      time.Duration    // tolerance for clocks that differ. Defaults to 0.
	Now         func() time.Time // Defaults to time.Now.
}

// Tokens turns tokens into identities. It may be used concurrently.
type Tokens struct {
	opts   TokenOptions
	parser *jwt.Parser
	hmac   []byte
	rsa    *rsa.PublicKey
	ecdsa  *ecdsa.PublicKey
	eddsa  ed25519.PublicKey
	remote *keySet // nil without a JWKSURL
}

// NewTokens reads the keys. It starts nothing and fetches nothing.
func NewTokens(opts TokenOptions) (*Tokens, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	t := &Tokens{opts: opts}
	var algorithms []string
	if opts.HMACSecret != "" {
		t.hmac = []byte(opts.HMACSecret)
		algorithms = append(algorithms, "HS256", "HS384", "HS512")
	}
	var err error
	if opts.RSAPublicKey != "" {
		if t.rsa, err = jwt.ParseRSAPublicKeyFromPEM([]byte(opts.RSAPublicKey)); err != nil {
			return nil, fmt.Errorf("rsa public key: %w", err)
		}
	}
	if opts.ECDSAPublicKey != "" {
		if t.ecdsa, err = jwt.ParseECPublicKeyFromPEM([]byte(opts.ECDSAPublicKey)); err != nil {
			return nil, fmt.Errorf("ecdsa public key: %w", err)
		}
	}
	if opts.EdDSAPublicKey != "" {
		if t.eddsa, err = parseEdDSA(opts.EdDSAPublicKey); err != nil {
			return nil, fmt.Errorf("eddsa public key: %w", err)
		}
	}
	if opts.JWKSURL != "" {
		t.remote = newKeySet(opts.JWKSURL, opts.JWKSRefresh, opts.JWKSPause)
	}
	if t.rsa != nil || t.remote != nil {
		algorithms = append(algorithms, "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
	}
	if t.ecdsa != nil || t.remote != nil {
		algorithms = append(algorithms, "ES256", "ES384", "ES512")
	}
	if t.eddsa != nil || t.remote != nil {
		algorithms = append(algorithms, "EdDSA")
	}
	if len(algorithms) == 0 {
		algorithms = []string{"no algorithm is configured"}
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(algorithms), jwt.WithTimeFunc(opts.Now), jwt.WithLeeway(opts.Leeway),
	}
	if opts.Audience != "" {
		options = append(options, jwt.WithAudience(opts.Audience))
	}
	if opts.Issuer != "" {
		options = append(options, jwt.WithIssuer(opts.Issuer))
	}
	t.parser = jwt.NewParser(options...)
	return t, nil
}

// Run keeps the key set fresh until ctx ends; without one it returns at once.
func (t *Tokens) Run(ctx context.Context) error {
	if t.remote == nil {
		return nil
	}
	return t.remote.run(ctx)
}

// via is the touchpoint that a role works at.
var via = map[hub.Role]string{
	hub.RoleCustomer: "app", hub.RolePOS: "pos", hub.RoleAgent: "desk", hub.RoleSupervisor: "desk",
	hub.RoleService: "api", hub.RoleBot: "bot",
}

type claims struct {
	jwt.RegisteredClaims
	Role     hub.Role        `json:"role"`
	Name     string          `json:"name"`
	Context  string          `json:"context"`
	Store    string          `json:"store"`
	Queues   []string        `json:"queues"`
	Skills   []string        `json:"skills"`
	Capacity int             `json:"capacity"`
	Device   string          `json:"device"`
	Info     json.RawMessage `json:"info"`
	Channels []string        `json:"channels"`
	Grants   []Grant         `json:"grants"`
	Scopes   []string        `json:"scopes"`

	// what the issuer knows to be the customer's; names of OpenID Connect
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Phone         string `json:"phone_number"`
	PhoneVerified bool   `json:"phone_number_verified"`

	ExpireAt *int64 `json:"expire_at"` // of what the token admits to, where that is not exp; 0: never

	// of a subscription token
	Channel string `json:"channel"`
	Client  string `json:"client"`
}

// end is when what the token admits to ends; zero: never.
func (c *claims) end() time.Time {
	switch {
	case c.ExpireAt != nil && *c.ExpireAt > 0:
		return time.Unix(*c.ExpireAt, 0)
	case c.ExpireAt == nil && c.ExpiresAt != nil:
		return c.ExpiresAt.Time
	}
	return time.Time{}
}

// Identify checks a connection token. It may block for the key set. The
// error is [ErrTokenExpired] or [ErrTokenInvalid].
func (t *Tokens) Identify(ctx context.Context, token string) (*Identity, error) {
	c, err := t.parse(ctx, token)
	if err != nil {
		return nil, err
	}
	if c.Subject == "" {
		return nil, fmt.Errorf("%w: no sub", ErrTokenInvalid)
	}
	if c.Channel != "" {
		return nil, fmt.Errorf("%w: made for a subscription", ErrTokenInvalid)
	}
	id := &Identity{
		Caller: hub.Caller{
			Actor:  hub.Actor{Role: c.Role, ID: c.Subject, Name: c.Name, Via: via[c.Role], Device: c.Device},
			Queues: c.Queues, Skills: c.Skills, Capacity: c.Capacity,
		},
		Info: c.Info, Channels: c.Channels, Grants: c.Grants, Scopes: c.Scopes, TokenID: c.ID,
	}
	id.ExpiresAt = c.end()
	switch c.Role {
	case "":
		id.Role = hub.RoleGuest
	case hub.RoleCustomer:
		if id.Context = c.Context; id.Context == "" {
			id.Context = c.Subject
		}
		if c.EmailVerified && c.Email != "" {
			id.Vouched = append(id.Vouched, hub.Handle{Type: "email", Value: c.Email})
		}
		if c.PhoneVerified && c.Phone != "" {
			id.Vouched = append(id.Vouched, hub.Handle{Type: "phone", Value: c.Phone})
		}
	case hub.RolePOS:
		if id.Store = c.Store; id.Store == "" {
			return nil, fmt.Errorf("%w: role pos without a store", ErrTokenInvalid)
		}
	case hub.RoleGuest, hub.RoleAgent, hub.RoleSupervisor, hub.RoleService, hub.RoleBot:
	default:
		return nil, fmt.Errorf("%w: unknown role %q", ErrTokenInvalid, c.Role)
	}
	for _, g := range c.Grants {
		for _, can := range g.Can {
			if !slices.Contains([]string{CanSubscribe, CanPublish, CanPresence, CanHistory}, can) {
				return nil, fmt.Errorf("%w: unknown right %q", ErrTokenInvalid, can)
			}
		}
	}
	return id, nil
}

// SubscriptionToken admits one user to one channel.
type SubscriptionToken struct {
	Channel   hub.Channel
	User      string          // the sub it was made for; "" : anonymous
	Client    string          // if set, the one connection it was made for
	Info      json.RawMessage // shown to others in presence of the channel
	ID        string          // the token's jti
	ExpiresAt time.Time       // of the subscription; zero: never
}

// Subscription checks a subscription token; errors as of [Tokens.Identify].
func (t *Tokens) Subscription(ctx context.Context, token string) (SubscriptionToken, error) {
	c, err := t.parse(ctx, token)
	if err != nil {
		return SubscriptionToken{}, err
	}
	if c.Channel == "" {
		return SubscriptionToken{}, fmt.Errorf("%w: no channel", ErrTokenInvalid)
	}
	return SubscriptionToken{
		Channel: hub.Channel(c.Channel), User: c.Subject, Client: c.Client, Info: c.Info,
		ID: c.RegisteredClaims.ID, ExpiresAt: c.end(),
	}, nil
}

func (t *Tokens) parse(ctx context.Context, token string) (*claims, error) {
	var c claims
	_, err := t.parser.ParseWithClaims(token, &c, func(tok *jwt.Token) (any, error) { return t.key(ctx, tok) })
	switch {
	case err == nil:
		return &c, nil
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return nil, ErrTokenExpired
	}
	return nil, fmt.Errorf("%w: %w", ErrTokenInvalid, err)
}

// key chooses by the algorithm, which the parser has already held against the
// configured ones: a public key is never used as an HMAC secret.
func (t *Tokens) key(ctx context.Context, token *jwt.Token) (any, error) {
	var local crypto.PublicKey
	switch token.Method.(type) {
	case *jwt.SigningMethodHMAC:
		if t.hmac == nil {
			return nil, fmt.Errorf("no hmac secret")
		}
		return t.hmac, nil
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS:
		if t.rsa != nil {
			local = t.rsa
		}
	case *jwt.SigningMethodECDSA:
		if t.ecdsa != nil {
			local = t.ecdsa
		}
	case *jwt.SigningMethodEd25519:
		if t.eddsa != nil {
			local = t.eddsa
		}
	}
	if t.remote != nil && (local == nil || token.Header["kid"] != nil) {
		key, err := t.remote.key(ctx, token)
		if err == nil || local == nil {
			return key, err
		}
	}
	if local == nil {
		return nil, fmt.Errorf("no key for %s", token.Method.Alg())
	}
	return local, nil
}

func parseEdDSA(s string) (ed25519.PublicKey, error) {
	if strings.Contains(s, "-----BEGIN") {
		key, err := jwt.ParseEdPublicKeyFromPEM([]byte(s))
		if err != nil {
			return nil, err
		}
		public, ok := key.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("not an ed25519 key")
		}
		return public, nil
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
		if b, err := encoding.DecodeString(s); err == nil && len(b) == ed25519.PublicKeySize {
			return ed25519.PublicKey(b), nil
		}
	}
	return nil, fmt.Errorf("neither PEM nor 32 bytes in base64")
}
