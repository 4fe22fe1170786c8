package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

const description = `A real-time sync hub: one shared context, live at the customer's app, the store's tills and the agents' desk.

Every key of the configuration file is an environment variable too: client.token.audience is SAMEPAGE_CLIENT_TOKEN_AUDIENCE. Flags count most, then the environment, then the file. "samepage config" prints what holds, "samepage config --keys" all keys.`

// cli is the command line.
type cli struct {
	Serve   serveCommand     `cmd:"" help:"Run the hub."`
	Demo    demoCommand      `cmd:"" help:"Run the hub with a little shop in it, on this machine only."`
	Token   tokenCommand     `cmd:"" help:"Mint a token (JWT) for a touchpoint and print it."`
	Tail    tailCommand      `cmd:"" help:"Follow a channel: one line of JSON for each event."`
	Config  configCommand    `cmd:"" help:"Print the configuration that holds, without its secrets."`
	Bench   benchCommand     `cmd:"" help:"Measure servers of the client protocol."`
	Version kong.VersionFlag `help:"Print the version."`
}

func main() {
	var c cli
	parser := kong.Must(&c, kong.Name("samepage"), kong.Description(description),
		kong.UsageOnError(), kong.Vars{"version": version()}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	command, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	if err := command.Run(&process{stdout: os.Stdout, stderr: os.Stderr, env: os.Environ()}); err != nil {
		fmt.Fprintln(os.Stderr, "samepage:", err)
		os.Exit(1)
	}
}

// process is what a command knows of the world.
type process struct {
	stdout, stderr io.Writer
	env            []string
}

// signals is a context that the first SIGINT or SIGTERM ends; a second one ends the process at once.
func (p *process) signals() (context.Context, context.CancelFunc) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, cancel) // signals have their usual effect again
	return ctx, cancel
}

// logger writes as the configuration says, to stderr.
func (p *process) logger(c LogConfig) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked with the configuration
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, opts))
	}
	return slog.New(slog.NewTextHandler(p.stderr, opts))
}

// common are the flags of every command that reads a configuration.
type common struct {
	ConfigFile string            `name:"config" type:"path" placeholder:"FILE" env:"SAMEPAGE_CONFIG" help:"Configuration, YAML or JSON."`
	Set        map[string]string `short:"s" placeholder:"KEY=VALUE" mapsep:"none" help:"Set any key of the configuration: -s client.channel_limit=256."`
}

// flags collects those that were given, by key.
func (c *common) flags(given map[string]*string) (map[string]string, error) {
	known := map[string]bool{}
	var names []string
	for _, s := range settings(defaultConfig()) {
		known[s.key] = true
		names = append(names, s.key)
	}
	flags := map[string]string{}
	for key, text := range c.Set {
		if !known[key] {
			return nil, unknownKey(key, names)
		}
		flags[key] = text
	}
	for key, text := range given {
		if text != nil {
			flags[key] = *text
		}
	}
	return flags, nil
}

// listen are the flags of commands that run a hub.
type listen struct {
	common
	Address     *string  `placeholder:"ADDR" help:"Address to listen on (127.0.0.1)."`
	Port        *string  `short:"p" placeholder:"PORT" help:"Port to listen on (8000); 0 takes a free one."`
	Engine      *string  `placeholder:"ENGINE" help:"bolt: one node and one file (the default); redis: any number of nodes."`
	Data        *string  `type:"path" placeholder:"FILE" help:"The bolt store: one file, made if it is not there (samepage.db)."`
	Redis       []string `sep:"none" placeholder:"URL" help:"The redis store: redis://host:port, rediss://…, redis+sentinel://host,host/NAME, redis+cluster://host,host; may be repeated for a cluster's hosts."`
	RedisPrefix *string  `placeholder:"PREFIX" help:"Begins every key, so that several hubs can share a server (samepage)."`
	RedisAcks   *string  `placeholder:"ACKS" help:"What a command waits for besides the master: replica:N or aof."`
	LogLevel    *string  `placeholder:"LEVEL" help:"debug, info, warn or error (info)."`
	LogForm     *string  `name:"log-format" placeholder:"FORMAT" help:"text or json (text)."`
}

func (l *listen) given() map[string]*string {
	given := map[string]*string{
		"http_server.address": l.Address, "http_server.port": l.Port,
		"engine": l.Engine, "data": l.Data, "redis.prefix": l.RedisPrefix, "redis.acks": l.RedisAcks,
		"log.level": l.LogLevel, "log.format": l.LogForm,
	}
	if len(l.Redis) > 0 {
		given["redis.address"] = new(strings.Join(l.Redis, " "))
	}
	return given
}

// load reads the configuration and makes the logger that it asks for.
func (c *common) load(p *process, base *Config, given map[string]*string) (*Config, *slog.Logger, error) {
	flags, err := c.flags(given)
	if err != nil {
		return nil, nil, err
	}
	config, warnings, err := sources{file: c.ConfigFile, env: p.env, flags: flags}.load(base)
	if err != nil {
		return nil, nil, err
	}
	log := p.logger(config.Log)
	for _, w := range warnings {
		log.Warn(w)
	}
	return config, log, nil
}

// version is what the build knows of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := strings.TrimPrefix(info.Main.Version, "v")
	if v == "" || v == "(devel)" {
		return "devel"
	}
	return v
}
