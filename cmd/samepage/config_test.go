package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
)

// write puts a configuration file into a directory of the test.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "samepage.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFlagsWinOverEnvironmentOverFileOverDefaults(t *testing.T) {
	file := write(t, "http_server:\n  port: 1\n  address: 127.0.0.2\nlog:\n  level: debug\n  format: json\n")
	c, warnings, err := sources{
		file:  file,
		env:   []string{"SAMEPAGE_HTTP_SERVER_PORT=2", "SAMEPAGE_LOG_LEVEL=warn"},
		flags: map[string]string{"http_server.port": "3"},
	}.load(defaultConfig())
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	got := []any{c.HTTPServer.Port, c.Log.Level, c.Log.Format, c.HTTPServer.Address, c.Data}
	want := []any{Port(3), "warn", "json", "127.0.0.2", "samepage.db"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFileSaysEverythingInYAMLOrJSON(t *testing.T) {
	want := defaultConfig()
	want.HTTPServer.Port = 9000
	want.HTTPAPI.Key = "secret"
	want.Client.Token.HMACSecretKey = "12345"
	want.Client.AllowedOrigins = []string{"https://a.example", "https://*.b.example"}
	want.Client.PingInterval = hub.Duration(30 * time.Second)
	want.Channel.WithoutNamespace = hub.ChannelOptions{HistorySize: 10, HistoryTTL: hub.Duration(5 * time.Minute), ForceRecovery: true}
	want.Channel.Namespaces = []hub.Namespace{{Name: "chat", ChannelOptions: hub.ChannelOptions{Presence: true, JoinLeave: true}}}
	want.Care.Queues = map[string]QueueConfig{"support": {Bot: "crumb"}}

	for name, text := range map[string]string{
		"YAML": `
http_server: {port: "9000"}
http_api:
  key: secret
client:
  token: {hmac_secret_key: 12345}
  allowed_origins: [https://a.example, "https://*.b.example"]
  ping_interval: 30s
channel:
  without_namespace:
    history_size: 10
    history_ttl: 300s
    force_recovery: true
  namespaces:
    - name: chat
      presence: true
      join_leave: true
care:
  queues: {support: {bot: crumb}}
log:
`,
		"JSON": `{"http_server":{"port":9000},"http_api":{"key":"secret"},
 "client":{"token":{"hmac_secret_key":"12345"},"allowed_origins":["https://a.example","https://*.b.example"],"ping_interval":"30s"},
 "channel":{"without_namespace":{"history_size":10,"history_ttl":"5m","force_recovery":true},
            "namespaces":[{"name":"chat","presence":true,"join_leave":true}]},
 "care":{"queues":{"support":{"bot":"crumb"}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			c, _, err := sources{file: write(t, text)}.load(defaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, c); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryKeyCanBeSetByEnvironment(t *testing.T) {
	for _, s := range settings(defaultConfig()) {
		t.Run(s.key, func(t *testing.T) {
			text := sample(s)
			before := defaultConfig()
			c := defaultConfig()
			warnings, err := loadEnv(c, []string{s.env() + "=" + text})
			if err != nil || len(warnings) > 0 {
				t.Fatal(err, warnings)
			}
			changed := 0
			for i, now := range settings(c) {
				if !reflect.DeepEqual(now.value.Interface(), settings(before)[i].value.Interface()) {
					changed++
					if now.key != s.key {
						t.Errorf("%s changed %s", s.env(), now.key)
					}
				}
			}
			if changed != 1 {
				t.Errorf("%s=%s changed %d keys", s.env(), text, changed)
			}
		})
	}
}

// sample is a value that no key has by default.
func sample(s setting) string {
	switch {
	case s.key == "channel.namespaces":
		return `[{"name":"chat","history_size":3}]`
	case s.key == "entries":
		return `[{"kind":"repair","channel":"context","schema":{"type":"object","maxProperties":3},"roles":{"agent":"write"}}]`
	case s.key == "care.queues":
		return `{"support":{"bot":"crumb","bot_name":"Crumb"}}`
	case s.key == "care.windows":
		return `{"sms":"24h"}`
	case s.value.Type() == reflect.TypeFor[hub.Duration]():
		return "77s"
	case s.value.Kind() == reflect.Bool:
		return "true"
	case s.value.Kind() == reflect.String:
		return "some text"
	case s.value.Kind() == reflect.Slice:
		return "one two,three"
	}
	return "77"
}

func TestBadConfigurationsNameTheKeyAndTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		env  []string
		set  map[string]string
		want string
	}{
		"an engine that is none":                {file: "engine: mysql", want: `engine: "mysql" is neither bolt nor redis`},
		"redis without an address":              {file: "engine: redis", want: "redis.address: the redis engine needs one"},
		"redis with no time":                    {file: "redis: {timeout: 0s}", want: "redis.timeout: must be longer than nothing"},
		"redis addresses as a map":              {file: "redis: {address: {}}", want: "redis.address: must be a list, not a map"},
		"an unknown key with one near it":       {file: "channel: {without_namespace: {histroy_size: 1}}", want: `unknown key "channel.without_namespace.histroy_size"; did you mean "channel.without_namespace.history_size"?`},
		"an unknown key in a list":              {file: "channel: {namespaces: [{name: a, presense: true}]}", want: `unknown key "channel.namespaces[0].presense"; did you mean "channel.namespaces[0].presence"?`},
		"an unknown key that stands elsewhere":  {file: "token_hmac_secret_key: x", want: `unknown key "token_hmac_secret_key"; did you mean "client.token.hmac_secret_key"?`},
		"an unknown key like nothing":           {file: "zzzzzzzzzz: 1", want: `unknown key "zzzzzzzzzz"`},
		"text for a number":                     {file: "client: {channel_limit: many}", want: `client.channel_limit: must be a whole number, not "many"`},
		"a fraction for a whole number":         {file: "client: {channel_limit: 1.5}", want: "client.channel_limit: must be a whole number, not 1.5"},
		"a number in quotes for a number":       {file: `client: {channel_limit: "5"}`, want: `client.channel_limit: must be a whole number, not "5"`},
		"text for true or false":                {file: "client: {insecure: maybe}", want: `client.insecure: must be true or false, not "maybe"`},
		"a list for a map":                      {file: "client: []", want: "client: must be a map, not a list"},
		"a map for a list":                      {file: "channel: {namespaces: {}}", want: "channel.namespaces: must be a list, not a map"},
		"a number for text":                     {file: "client: {token: {audience: 5}}", want: "client.token.audience: must be text, not 5"},
		"a duration without a unit":             {file: "client: {ping_interval: 25}", want: `client.ping_interval: "25" is no duration`},
		"a port that is none":                   {file: "http_server: {port: 70000}", want: `http_server.port: "70000" is no port`},
		"a list of everything":                  {file: "- a", want: "a configuration is a map of keys"},
		"YAML that is none":                     {file: "a: [", want: "samepage.yaml: "},
		"one key twice":                         {file: "data: a\ndata: b", want: "samepage.yaml: "},
		"a namespace without a name":            {file: "channel: {namespaces: [{presence: true}]}", want: `channel.namespaces[0]: "" is no name`},
		"history without an age":                {file: "channel: {without_namespace: {history_size: 1}}", want: "channel.without_namespace: history_size and history_ttl go together"},
		"a pong later than the next ping":       {file: "client: {ping_interval: 5s}", want: "client.pong_timeout: 8s is not less"},
		"a level of no log":                     {file: "log: {level: loud}", want: `log.level: "loud" is none of`},
		"a key set that is nowhere":             {file: "client: {token: {jwks_public_endpoint: keys}}", want: `client.token.jwks_public_endpoint: "keys" is no http`},
		"a hook that is nowhere":                {file: "hooks: {price: {url: here, secret: whsec_MDEyMzQ1Njc4OWFiY2RlZg==}}", want: `hooks.price.url: "here" is no http`},
		"a hook without a secret":               {file: "hooks: {price: {url: 'http://localhost'}}", want: "hooks.price.secret: required"},
		"a hook with a secret that is none":     {file: "hooks: {price: {url: 'http://localhost', secret: abc}}", want: "hooks.price.secret: must be whsec_"},
		"a bad value in the environment":        {env: []string{"SAMEPAGE_CLIENT_INSECURE=maybe"}, want: `SAMEPAGE_CLIENT_INSECURE: client.insecure: must be true or false, not "maybe"`},
		"bad JSON in the environment":           {env: []string{"SAMEPAGE_CHANNEL_NAMESPACES=[{"}, want: "SAMEPAGE_CHANNEL_NAMESPACES: channel.namespaces: not readable as JSON"},
		"an unknown key inside the environment": {env: []string{`SAMEPAGE_CHANNEL_NAMESPACES=[{"name":"a","x":1}]`}, want: `SAMEPAGE_CHANNEL_NAMESPACES: unknown key "channel.namespaces[0].x"`},
		"a bad value in a flag":                 {set: map[string]string{"store.log_size": "0"}, want: "store.log_size: 0 is less than 1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sources{env: c.env, flags: c.set}
			if c.file != "" {
				s.file = write(t, c.file)
			}
			_, _, err := s.load(defaultConfig())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestAddressesOfAStoreComeAsTextOrList(t *testing.T) {
	for name, c := range map[string]struct {
		s    sources
		want Addresses
	}{
		"one as text":               {sources{file: write(t, "redis: {address: 'redis://a:1'}")}, Addresses{"redis://a:1"}},
		"Sentinels as text":         {sources{file: write(t, "redis: {address: 'redis+sentinel://a:1,b:2/hub'}")}, Addresses{"redis+sentinel://a:1,b:2/hub"}},
		"a list":                    {sources{file: write(t, "redis: {address: ['redis+cluster://a', 'redis+cluster://b']}")}, Addresses{"redis+cluster://a", "redis+cluster://b"}},
		"several in a variable":     {sources{env: []string{"SAMEPAGE_REDIS_ADDRESS=redis+cluster://a,b:2,redis+cluster://c"}}, Addresses{"redis+cluster://a,b:2", "redis+cluster://c"}},
		"a JSON list in a variable": {sources{env: []string{`SAMEPAGE_REDIS_ADDRESS=["redis://a","redis://b"]`}}, Addresses{"redis://a", "redis://b"}},
		"several in flags":          {sources{flags: map[string]string{"redis.address": "redis://a redis://b"}}, Addresses{"redis://a", "redis://b"}},
	} {
		got, _, err := c.s.load(defaultConfig())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got.Redis.Address); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestVariablesThatMeanNothingAreWarnings(t *testing.T) {
	_, warnings, err := sources{env: []string{"SAMEPAGE_CLIENT_INSECUR=true", "PATH=/bin", "SAMEPAGE_DATA=", "SAMEPAGE_CONFIG=x"}}.load(defaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"the environment variable SAMEPAGE_CLIENT_INSECUR means nothing to us; did you mean SAMEPAGE_CLIENT_INSECURE?"}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Error(diff)
	}
}

func TestAMissingFileIsAnError(t *testing.T) {
	_, _, err := sources{file: "/nowhere/samepage.yaml"}.load(defaultConfig())
	if err == nil || !strings.Contains(err.Error(), "is not there") {
		t.Errorf("got %v", err)
	}
}

func TestThePrintedConfigurationReadsBackWithoutItsSecrets(t *testing.T) {
	c := defaultConfig()
	c.HTTPAPI.Key, c.Client.Token.HMACSecretKey = "open sesame", "do not tell"
	c.Redis.Address = Addresses{"redis://hub:do%20not%20tell@10.0.0.1:6379/2", "redis+sentinel://do%20not%20tell@a:1,b:2/hub?sentinel_password=sesame"}
	c.Channel.Namespaces = []hub.Namespace{{Name: "chat", ChannelOptions: hub.ChannelOptions{HistorySize: 3, HistoryTTL: hub.Duration(time.Hour)}}}
	c.Care.Queues = map[string]QueueConfig{"support": {Bot: "crumb"}}
	var out bytes.Buffer
	if err := printConfig(&out, c); err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "config", c, "key", c.HTTPAPI.Key)
	for _, text := range []string{out.String(), logged.String()} {
		if strings.Contains(text, "sesame") || strings.Contains(text, "not tell") || strings.Contains(text, "20tell") {
			t.Errorf("a secret is shown:\n%s", text)
		}
	}
	again, _, err := sources{file: write(t, out.String())}.load(&Config{})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	c.HTTPAPI.Key, c.Client.Token.HMACSecretKey = "(set)", "(set)"
	c.Redis.Address = Addresses{"redis://(set)@10.0.0.1:6379/2", "redis+sentinel://(set)@a:1,b:2/hub?(set)"}
	if diff := cmp.Diff(c, again, cmp.Transformer("unlisted", func(e []EntryConfig) int { return len(e) }), cmp.Transformer("empty", func(s []string) int { return len(s) }), cmp.Transformer("none", func(m map[string]hub.Duration) int { return len(m) })); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsAreHelped(t *testing.T) {
	for _, s := range settings(defaultConfig()) {
		if s.help == "" && !strings.HasPrefix(s.key, "channel.") {
			t.Errorf("%s is not explained", s.key)
		}
	}
}
