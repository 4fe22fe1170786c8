package hub

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Duration is a time.Duration that reads and writes as text: "300s", "5m".
type Duration time.Duration

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration such as 300s or 5m", text)
	}
	if v < 0 {
		return fmt.Errorf("a duration is not negative: %q", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// ChannelOptions say what a plain channel of a namespace does and who may do
// what there. Names and meanings are those of Centrifugo's channel options.
// The zero value is a channel that nobody but backends may use.
type ChannelOptions struct {
	HistorySize    int      `json:"history_size" yaml:"history_size"`         // publications kept; 0: none
	HistoryTTL     Duration `json:"history_ttl" yaml:"history_ttl"`           // how long; history needs both
	HistoryMetaTTL Duration `json:"history_meta_ttl" yaml:"history_meta_ttl"` // how long the position outlives them; default 30 days
	HistoryDurable bool     `json:"history_durable" yaml:"history_durable"`   // kept across a restart

	ForcePositioning  bool   `json:"force_positioning" yaml:"force_positioning"`
	AllowPositioning  bool   `json:"allow_positioning" yaml:"allow_positioning"`
	ForceRecovery     bool   `json:"force_recovery" yaml:"force_recovery"`
	AllowRecovery     bool   `json:"allow_recovery" yaml:"allow_recovery"`
	ForceRecoveryMode string `json:"force_recovery_mode" yaml:"force_recovery_mode"` // stream (default) or cache

	AllowedDeltaTypes []string `json:"allowed_delta_types" yaml:"allowed_delta_types"` // "fossil": subscribers who ask get deltas
	DeltaPublish      bool     `json:"delta_publish" yaml:"delta_publish"`             // implied by that: whoever publishes need not ask

	Presence           bool `json:"presence" yaml:"presence"`
	JoinLeave          bool `json:"join_leave" yaml:"join_leave"`
	ForcePushJoinLeave bool `json:"force_push_join_leave" yaml:"force_push_join_leave"`

	AllowSubscribeForClient    bool `json:"allow_subscribe_for_client" yaml:"allow_subscribe_for_client"`
	AllowSubscribeForAnonymous bool `json:"allow_subscribe_for_anonymous" yaml:"allow_subscribe_for_anonymous"`
	AllowPublishForClient      bool `json:"allow_publish_for_client" yaml:"allow_publish_for_client"`
	AllowPublishForSubscriber  bool `json:"allow_publish_for_subscriber" yaml:"allow_publish_for_subscriber"`
	AllowPublishForAnonymous   bool `json:"allow_publish_for_anonymous" yaml:"allow_publish_for_anonymous"`
	AllowPresenceForClient     bool `json:"allow_presence_for_client" yaml:"allow_presence_for_client"`
	AllowPresenceForSubscriber bool `json:"allow_presence_for_subscriber" yaml:"allow_presence_for_subscriber"`
	AllowPresenceForAnonymous  bool `json:"allow_presence_for_anonymous" yaml:"allow_presence_for_anonymous"`
	AllowHistoryForClient      bool `json:"allow_history_for_client" yaml:"allow_history_for_client"`
	AllowHistoryForSubscriber  bool `json:"allow_history_for_subscriber" yaml:"allow_history_for_subscriber"`
	AllowHistoryForAnonymous   bool `json:"allow_history_for_anonymous" yaml:"allow_history_for_anonymous"`
	AllowUserLimitedChannels   bool `json:"allow_user_limited_channels" yaml:"allow_user_limited_channels"`

	ChannelRegex          Pattern `json:"channel_regex" yaml:"channel_regex"`                     // of the names behind the namespace; none: ASCII
	PublicationDataFormat string  `json:"publication_data_format" yaml:"publication_data_format"` // json, json_object, or binary, which is anything (default)
}

// The formats of publications.
const (
	FormatJSON   = "json"
	FormatObject = "json_object"
	FormatBinary = "binary"
)

// Pattern is a regular expression that reads and writes as text; it may be missing.
type Pattern struct{ *regexp.Regexp }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Pattern) UnmarshalText(text []byte) (err error) {
	p.Regexp = nil
	if len(text) > 0 {
		p.Regexp, err = regexp.Compile(string(text))
	}
	return err
}

// MarshalText implements [encoding.TextMarshaler].
func (p Pattern) MarshalText() ([]byte, error) {
	if p.Regexp == nil {
		return nil, nil
	}
	return []byte(p.String()), nil
}

// DefaultHistoryMetaTTL is how long a plain channel's position outlives its history.
const DefaultHistoryMetaTTL = 30 * 24 * time.Hour

// Recoverable reports whether the channel keeps anything to recover from.
func (o ChannelOptions) Recoverable() bool { return o.HistorySize > 0 && o.HistoryTTL > 0 }

// Check reports options that contradict each other.
func (o ChannelOptions) Check() error {
	if (o.HistorySize > 0) != (o.HistoryTTL > 0) {
		return fmt.Errorf("history_size and history_ttl go together")
	}
	if o.HistorySize < 0 {
		return fmt.Errorf("history_size is not negative")
	}
	if (o.ForceRecovery || o.AllowRecovery || o.ForcePositioning || o.AllowPositioning || o.DeltaPublish) && !o.Recoverable() {
		return fmt.Errorf("recovery, positioning and delta need history_size and history_ttl")
	}
	if o.ForceRecoveryMode != "" && o.ForceRecoveryMode != "stream" && o.ForceRecoveryMode != "cache" {
		return fmt.Errorf("force_recovery_mode is stream or cache")
	}
	switch o.PublicationDataFormat {
	case "", FormatJSON, FormatObject, FormatBinary:
	default:
		return fmt.Errorf("publication_data_format is json, json_object or binary")
	}
	for _, t := range o.AllowedDeltaTypes {
		if t != "fossil" {
			return fmt.Errorf("allowed_delta_types knows fossil only")
		}
	}
	return nil
}

// formatted reports whether data are of the channel's format.
func (o ChannelOptions) formatted(data []byte) bool {
	switch o.PublicationDataFormat {
	case FormatJSON:
		return json.Valid(data)
	case FormatObject:
		return json.Valid(data) && isObject(data)
	}
	return true
}

// Namespace is a [ChannelOptions] with the name that its channels begin with: "chat" for "chat:lobby".
type Namespace struct {
	Name           string `json:"name" yaml:"name"`
	ChannelOptions `yaml:",inline"`
}

// Namespaces are the options of all plain channels.
type Namespaces struct {
	WithoutNamespace ChannelOptions `json:"without_namespace" yaml:"without_namespace"`
	Namespaces       []Namespace    `json:"namespaces" yaml:"namespaces"`
}

// Check reports the first thing that is wrong with any of them.
func (n Namespaces) Check() error {
	if err := n.WithoutNamespace.Check(); err != nil {
		return fmt.Errorf("channel.without_namespace: %w", err)
	}
	seen := map[string]bool{}
	for i, ns := range n.Namespaces {
		if ns.Name == "" || strings.ContainsAny(ns.Name, ":#$ ") {
			return fmt.Errorf("channel.namespaces[%d]: %q is no name for a namespace", i, ns.Name)
		}
		if slices.Contains(Kinds(), ns.Name) {
			return fmt.Errorf("channel.namespaces[%d]: %s channels hold entries and are not configured here", i, ns.Name)
		}
		if seen[ns.Name] {
			return fmt.Errorf("channel.namespaces[%d]: %s stands twice", i, ns.Name)
		}
		seen[ns.Name] = true
		if err := ns.Check(); err != nil {
			return fmt.Errorf("channel.namespaces[%d] (%s): %w", i, ns.Name, err)
		}
	}
	return nil
}

// Options are those of a plain channel; false if it names a namespace nobody
// configured. A leading $ (private channel) is not part of the namespace.
func (n Namespaces) Options(name Channel) (ChannelOptions, bool) {
	o, _, ok := n.lookup(name)
	return o, ok
}

// Names reports whether a plain channel's name is one that clients may use: it
// matches the channel_regex of its namespace or, where there is none, is ASCII.
func (n Namespaces) Names(name Channel) bool {
	o, rest, _ := n.lookup(name)
	if o.ChannelRegex.Regexp != nil {
		return o.ChannelRegex.MatchString(rest)
	}
	return !strings.ContainsFunc(string(name), func(r rune) bool { return r > unicode.MaxASCII })
}

// lookup also tells what of the name is behind the namespace.
func (n Namespaces) lookup(name Channel) (o ChannelOptions, rest string, ok bool) {
	all := strings.TrimPrefix(string(name), "$")
	ns, rest, ok := strings.Cut(all, ":")
	if !ok {
		return n.WithoutNamespace, all, true
	}
	for _, known := range n.Namespaces {
		if known.Name == ns {
			return known.ChannelOptions, rest, true
		}
	}
	return ChannelOptions{}, rest, false
}
