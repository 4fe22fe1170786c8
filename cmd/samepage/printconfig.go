package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// configCommand prints the configuration.
type configCommand struct {
	common
	Keys bool `help:"Print every key with its variable and meaning instead."`
}

// Run implements the command.
func (cmd *configCommand) Run(p *process) error {
	if cmd.Keys {
		for _, s := range settings(defaultConfig()) {
			if _, err := fmt.Fprintf(p.stdout, "%s\n    %s\n", s.key, s.env()); err != nil {
				return err
			}
			if s.help != "" {
				fmt.Fprintf(p.stdout, "    %s\n", s.help)
			}
		}
		return nil
	}
	c, _, err := cmd.load(p, defaultConfig(), nil)
	if err != nil {
		return err
	}
	return printConfig(p.stdout, c)
}

// printConfig writes YAML that --config reads, but for the secrets, which are
// only said to be there.
func printConfig(w io.Writer, c *Config) error {
	var open []string
	for _, s := range settings(c) {
		path := strings.Split(s.key, ".")
		parents := path[:len(path)-1]
		for i, name := range parents {
			if i < len(open) && open[i] == name {
				continue
			}
			open = open[:min(i, len(open))]
			if _, err := fmt.Fprintf(w, "%s%s:\n", strings.Repeat("  ", i), name); err != nil {
				return err
			}
			open = append(open, name)
		}
		open = open[:len(parents)]
		text, err := shown(s.value)
		if err != nil {
			return fmt.Errorf("%s: %w", s.key, err)
		}
		if _, err := fmt.Fprintf(w, "%s%s: %s\n", strings.Repeat("  ", len(parents)), path[len(path)-1], text); err != nil {
			return err
		}
	}
	return nil
}

// shown is a value in one line of YAML.
func shown(v reflect.Value) (string, error) {
	if d, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := d.MarshalText()
		if len(text) == 0 || v.Type() == reflect.TypeFor[Secret]() {
			return fmt.Sprintf("%q", text), err
		}
		return string(text), err
	}
	if (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0 {
		return map[reflect.Kind]string{reflect.Slice: "[]", reflect.Map: "{}"}[v.Kind()], nil
	}
	text, err := json.Marshal(v.Interface())
	return string(text), err
}
