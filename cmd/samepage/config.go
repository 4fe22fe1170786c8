package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// Config is the one truth about how a hub runs. Its keys ("client.token.audience") are those of
// the configuration file; each is an environment variable as well (SAMEPAGE_CLIENT_TOKEN_AUDIENCE).
// Names that Centrifugo has mean what they mean there.
type Config struct {
	Engine     string           `yaml:"engine" help:"where everything is kept: bolt, one file for one node, or redis, for any number of nodes"`
	Data       string           `yaml:"data" help:"the bolt store, one file; made if it is not there"`
	Redis      RedisConfig      `yaml:"redis"`
	HTTPServer HTTPServerConfig `yaml:"http_server"`
	HTTPAPI    HTTPAPIConfig    `yaml:"http_api"`
	Client     ClientConfig     `yaml:"client"`
	WebSocket  WebSocketConfig  `yaml:"websocket"`
	Channel    hub.Namespaces   `yaml:"channel"`
	Store      StoreConfig      `yaml:"store"`
	Loyalty    LoyaltyConfig    `yaml:"loyalty"`
	Care       CareConfig       `yaml:"care"`
	Customer   CustomerConfig   `yaml:"customer"`
	Hooks      HooksConfig      `yaml:"hooks"`
	Commerce   CommerceConfig   `yaml:"commerce"`
	Entries    []EntryConfig    `yaml:"entries" help:"kinds of entry of your own, as JSON: kind, channel (context, store or catalog), schema (JSON Schema), roles (role: read or write)"`
	Shutdown   ShutdownConfig   `yaml:"shutdown"`
	Log        LogConfig        `yaml:"log"`
}

// HTTPServerConfig says where the hub listens.
type HTTPServerConfig struct {
	Address string `yaml:"address" help:"the address to listen on"`
	Port    Port   `yaml:"port" help:"the port to listen on; 0 takes a free one"`
}

// HTTPAPIConfig is the door of backends.
type HTTPAPIConfig struct {
	Key      Secret `yaml:"key" help:"the key that backends send as X-API-Key; without one they need a token"`
	Insecure bool   `yaml:"insecure" help:"let everybody who reaches the port call the server API: development only"`
}

// ClientConfig is the door of touchpoints.
type ClientConfig struct {
	Token          TokenConfig `yaml:"token"`
	Insecure       bool        `yaml:"insecure" help:"admit everybody with every right on plain channels: development only"`
	AllowAnonymous bool        `yaml:"allow_anonymous_connect_without_token" help:"admit guests without a token"`
	AllowedOrigins []string    `yaml:"allowed_origins" help:"origins of pages, besides our own, that may connect: https://*.example.com"`

	PingInterval    hub.Duration `yaml:"ping_interval" help:"how often the server pings"`
	PongTimeout     hub.Duration `yaml:"pong_timeout" help:"how long it waits for the answer"`
	StaleCloseDelay hub.Duration `yaml:"stale_close_delay" help:"how long a socket may take to say connect"`
	ExpiredDelay    hub.Duration `yaml:"expired_close_delay" help:"how long a session or subscription with an expired token may take to refresh it"`
	QueueMaxSize    int          `yaml:"queue_max_size" help:"bytes that may wait for a slow device before it is cut off"`
	ChannelLimit    int          `yaml:"channel_limit" help:"subscriptions of one session"`
	UserLimit       int          `yaml:"user_connection_limit" help:"sessions of one user on this node; 0: no limit"`
	CommandRate     int          `yaml:"command_rate" help:"commands of one session, or of one caller over HTTP, in a second"`
	CommandBurst    int          `yaml:"command_burst" help:"how many of them may come at once"`
	HistoryLimit    int          `yaml:"history_max_publication_limit" help:"publications of one answer to a history request"`
	RecoveryLimit   int          `yaml:"recovery_max_publication_limit" help:"events or publications that one recovery may bring"`
}

// TokenConfig says which tokens are good.
type TokenConfig struct {
	HMACSecretKey      Secret `yaml:"hmac_secret_key" help:"key of HS256, HS384 and HS512 tokens"`
	RSAPublicKey       string `yaml:"rsa_public_key" help:"public key of RS* and PS* tokens, PEM"`
	ECDSAPublicKey     string `yaml:"ecdsa_public_key" help:"public key of ES* tokens, PEM"`
	EdDSAPublicKey     string `yaml:"eddsa_public_key" help:"public key of EdDSA tokens, PEM"`
	JWKSPublicEndpoint string `yaml:"jwks_public_endpoint" help:"URL of a key set; its keys may rotate"`
	Audience           string `yaml:"audience" help:"the aud that a token must have"`
	Issuer             string `yaml:"issuer" help:"the iss that a token must have"`
}

// WebSocketConfig bounds the socket itself.
type WebSocketConfig struct {
	MessageSizeLimit int `yaml:"message_size_limit" help:"bytes of the largest frame a device may send"`
}

// StoreConfig says how much past is kept.
type StoreConfig struct {
	Partitions  int          `yaml:"partitions" help:"partitions of a new store; 0: what the file has, or 256"`
	LogSize     int          `yaml:"log_size" help:"events kept of each channel, to recover from"`
	LogAge      hub.Duration `yaml:"log_age" help:"how long an event is kept"`
	RecordsSize int          `yaml:"records_size" help:"events of all channels kept for views and other consumers"`
	RecordsAge  hub.Duration `yaml:"records_age" help:"how long they are kept"`
}

// LoyaltyConfig is the points programme.
type LoyaltyConfig struct {
	Earn  int64 `yaml:"earn" help:"points for each major unit paid otherwise than with points"`
	Value int64 `yaml:"value" help:"minor units that a point is worth"`
}

// CommerceConfig is how long things may take in the shop.
type CommerceConfig struct {
	Preparation hub.Duration `yaml:"preparation" help:"what a pickup is promised in"`
	Hold        hub.Duration `yaml:"hold" help:"how long goods wait for their order"`
	Freeze      hub.Duration `yaml:"freeze" help:"how long a frozen cart stays so"`
	Lock        hub.Duration `yaml:"lock" help:"how long a cart stays locked after its agent did something with it"`
	Undo        hub.Duration `yaml:"undo" help:"how long a handed over pickup can be taken back"`
	Abandon     hub.Duration `yaml:"abandon" help:"how long a cart may lie before it counts as left behind; 0: never"`
	Accept      hub.Duration `yaml:"accept" help:"how long after its promise a store may still begin a pickup; 0: for ever"`
	Late        hub.Duration `yaml:"late" help:"after how long a pickup that no store began is marked late; 0: never"`
	NoShow      hub.Duration `yaml:"no_show" help:"how long a ready pickup waits for its customer; 0: for ever"`
}

// CustomerConfig is how customers are told apart and put together.
type CustomerConfig struct {
	Region      string       `yaml:"region" help:"where a phone number without a country code is from: two letters of ISO 3166"`
	Blocked     []string     `yaml:"blocked_identities" help:"handles that are nobody's, as patterns: device ids of tills, test accounts"`
	CartMerge   string       `yaml:"cart_merge" help:"what becomes of a sku in both carts when two contexts are merged: the larger quantity, max, or both, sum"`
	CheckInCode hub.Duration `yaml:"check_in_code" help:"how long a check-in code is good"`
	CheckIn     hub.Duration `yaml:"check_in" help:"how long a till then has the context"`
}

// CareConfig is how conversations are handled.
type CareConfig struct {
	DefaultQueue string                  `yaml:"default_queue" help:"where a conversation goes that names no queue"`
	Queues       map[string]QueueConfig  `yaml:"queues" help:"the queues by name, as JSON; with none, every name is a queue"`
	Capacity     int                     `yaml:"capacity" help:"conversations of an agent whose token does not say"`
	WrapUp       hub.Duration            `yaml:"wrap_up" help:"how long an agent may finish up after resolving"`
	ReopenWindow hub.Duration            `yaml:"reopen_window" help:"how long a resolved conversation can be reopened"`
	Transfer     hub.Duration            `yaml:"transfer_timeout" help:"how long an offered conversation waits for an answer"`
	Windows      map[string]hub.Duration `yaml:"windows" help:"channel -> how long after the customer's last word we may answer, as JSON"`
}

// QueueConfig is one queue.
type QueueConfig struct {
	Bot     string `yaml:"bot" json:"bot"`
	BotName string `yaml:"bot_name" json:"bot_name"`
}

// EntryConfig is one kind of entry that the operator declares.
type EntryConfig struct {
	Kind    string            `yaml:"kind" json:"kind"`
	Channel string            `yaml:"channel" json:"channel"`
	Schema  map[string]any    `yaml:"schema" json:"schema"`
	Roles   map[string]string `yaml:"roles" json:"roles"`
}

// ShutdownConfig is how a hub goes.
type ShutdownConfig struct {
	Drain   hub.Duration `yaml:"drain" help:"window over which devices are told to reconnect elsewhere"`
	Timeout hub.Duration `yaml:"timeout" help:"how long everything else may take after that"`
}

// LogConfig is what a hub says.
type LogConfig struct {
	Level  string `yaml:"level" help:"debug, info, warn or error"`
	Format string `yaml:"format" help:"text or json"`
}

// defaultConfig is what holds where nobody says otherwise.
func defaultConfig() *Config {
	return &Config{
		Engine:     engineBolt,
		Data:       "samepage.db",
		Redis:      defaultRedis(),
		HTTPServer: HTTPServerConfig{Address: "127.0.0.1", Port: 8000},
		Client: ClientConfig{
			PingInterval: hub.Duration(25 * time.Second), PongTimeout: hub.Duration(8 * time.Second),
			StaleCloseDelay: hub.Duration(10 * time.Second),
			ExpiredDelay:    hub.Duration(25 * time.Second),
			QueueMaxSize:    1 << 20, ChannelLimit: 128, CommandRate: 1000, CommandBurst: 2000, HistoryLimit: 300, RecoveryLimit: 300,
		},
		WebSocket: WebSocketConfig{MessageSizeLimit: 64 << 10},
		Store: StoreConfig{
			LogSize: 1000, LogAge: hub.Duration(7 * 24 * time.Hour),
			RecordsSize: 1_000_000, RecordsAge: hub.Duration(7 * 24 * time.Hour),
		},
		Loyalty: LoyaltyConfig{Earn: 1, Value: 10},
		Customer: CustomerConfig{
			Region: "US", CartMerge: commerce.CartMax,
			CheckInCode: hub.Duration(2 * time.Minute), CheckIn: hub.Duration(15 * time.Minute),
		},
		Care: CareConfig{
			DefaultQueue: "support", Capacity: 4,
			WrapUp: hub.Duration(time.Minute), ReopenWindow: hub.Duration(7 * 24 * time.Hour), Transfer: hub.Duration(time.Minute),
		},
		Commerce: CommerceConfig{
			Preparation: hub.Duration(10 * time.Minute), Hold: hub.Duration(15 * time.Minute),
			Freeze: hub.Duration(15 * time.Minute), Lock: hub.Duration(5 * time.Minute), Undo: hub.Duration(time.Minute), Abandon: hub.Duration(time.Hour),
			Accept: hub.Duration(24 * time.Hour), Late: hub.Duration(8 * time.Minute), NoShow: hub.Duration(72 * time.Hour),
		},
		Hooks:    HooksConfig{Price: HookConfig{Timeout: hub.Duration(2 * time.Second)}},
		Shutdown: ShutdownConfig{Drain: hub.Duration(3 * time.Second), Timeout: hub.Duration(10 * time.Second)},
		Log:      LogConfig{Level: "info", Format: "text"},
	}
}

// Check reports the first value that cannot be, by its key.
func (c *Config) Check() error {
	if err := c.checkEngine(); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %q is none of debug, info, warn, error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return fmt.Errorf("log.format: %q is neither text nor json", c.Log.Format)
	}
	for _, n := range []struct {
		key   string
		value int64
		least int64
	}{
		{"client.queue_max_size", int64(c.Client.QueueMaxSize), 1},
		{"client.channel_limit", int64(c.Client.ChannelLimit), 1},
		{"client.user_connection_limit", int64(c.Client.UserLimit), 0},
		{"client.command_rate", int64(c.Client.CommandRate), 1},
		{"client.command_burst", int64(c.Client.CommandBurst), 1},
		{"client.history_max_publication_limit", int64(c.Client.HistoryLimit), 1},
		{"client.recovery_max_publication_limit", int64(c.Client.RecoveryLimit), 1},
		{"client.ping_interval", int64(c.Client.PingInterval), 1},
		{"client.pong_timeout", int64(c.Client.PongTimeout), 1},
		{"client.stale_close_delay", int64(c.Client.StaleCloseDelay), 1},
		{"websocket.message_size_limit", int64(c.WebSocket.MessageSizeLimit), 1},
		{"client.expired_close_delay", int64(c.Client.ExpiredDelay), 1},
		{"redis.connections", int64(c.Redis.Connections), 1},
		{"redis.queue", int64(c.Redis.Queue), 1},
		{"store.partitions", int64(c.Store.Partitions), 0},
		{"store.log_size", int64(c.Store.LogSize), 1},
		{"store.log_age", int64(c.Store.LogAge), 1},
		{"store.records_size", int64(c.Store.RecordsSize), 1},
		{"store.records_age", int64(c.Store.RecordsAge), 1},
		{"loyalty.earn", c.Loyalty.Earn, 0},
		{"loyalty.value", c.Loyalty.Value, 1},
		{"commerce.preparation", int64(c.Commerce.Preparation), 1},
		{"commerce.hold", int64(c.Commerce.Hold), 1},
		{"commerce.freeze", int64(c.Commerce.Freeze), 1},
		{"commerce.lock", int64(c.Commerce.Lock), 1},
		{"commerce.undo", int64(c.Commerce.Undo), 1},
		{"commerce.abandon", int64(c.Commerce.Abandon), 0},
		{"commerce.accept", int64(c.Commerce.Accept), 0},
		{"commerce.late", int64(c.Commerce.Late), 0},
		{"commerce.no_show", int64(c.Commerce.NoShow), 0},
		{"care.capacity", int64(c.Care.Capacity), 1},
		{"care.transfer_timeout", int64(c.Care.Transfer), 1},
		{"customer.check_in_code", int64(c.Customer.CheckInCode), 1},
		{"customer.check_in", int64(c.Customer.CheckIn), 1},
	} {
		if n.value < n.least {
			return fmt.Errorf("%s: %d is less than %d", n.key, n.value, n.least)
		}
	}
	if c.Client.PongTimeout >= c.Client.PingInterval {
		return fmt.Errorf("client.pong_timeout: %s is not less than client.ping_interval (%s)",
			time.Duration(c.Client.PongTimeout), time.Duration(c.Client.PingInterval))
	}
	if endpoint := c.Client.Token.JWKSPublicEndpoint; endpoint != "" {
		if u, err := url.Parse(endpoint); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("client.token.jwks_public_endpoint: %q is no http or https address", endpoint)
		}
	}
	if err := c.Hooks.Price.Check("hooks.price"); err != nil {
		return err
	}
	if p := c.Customer.CartMerge; p != commerce.CartMax && p != commerce.CartSum {
		return fmt.Errorf("customer.cart_merge: %q is neither max nor sum", p)
	}
	if err := c.identities().Check(); err != nil {
		return fmt.Errorf("customer: %w", err)
	}
	return c.Channel.Check()
}

// Secret is text that is never shown: in logs, in errors, by samepage config.
type Secret string

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText writes that there is one, not which.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// Port is a TCP port; a file may write it as a number or as text.
type Port uint16

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Port) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 16)
	if err != nil {
		return fmt.Errorf("%q is no port (0 to 65535)", text)
	}
	*p = Port(n)
	return nil
}

// MarshalJSON writes a number.
func (p Port) MarshalJSON() ([]byte, error) { return json.Marshal(uint16(p)) }
