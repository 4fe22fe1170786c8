package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// sources are where a configuration comes from: what stands later in load
// takes the place of what stands earlier.
type sources struct {
	file  string            // "" : none
	env   []string          // "NAME=value", all of the process
	flags map[string]string // key -> text
}

// load makes the configuration of a base: the base, the file, the environment,
// the flags. Warnings are about variables that mean nothing to us.
func (s sources) load(base *Config) (c *Config, warnings []string, err error) {
	c = base
	if s.file != "" {
		if err := loadFile(c, s.file); err != nil {
			return nil, nil, err
		}
	}
	if warnings, err = loadEnv(c, s.env); err != nil {
		return nil, nil, err
	}
	for _, set := range settings(c) {
		if text, ok := s.flags[set.key]; ok {
			if err := assignText(set, text); err != nil {
				return nil, nil, err
			}
		}
	}
	return c, warnings, c.Check()
}

func loadFile(c *Config, name string) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the configuration file %s is not there", name)
	}
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return fmt.Errorf("%s: %s", name, yaml.FormatError(err, false, false))
	}
	if tree == nil {
		return nil
	}
	if _, ok := tree.(map[string]any); !ok {
		return fmt.Errorf("%s: a configuration is a map of keys", name)
	}
	if err := assign(reflect.ValueOf(c).Elem(), tree, ""); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// loadEnv takes SAMEPAGE_* variables. An empty one is as if it were not there.
func loadEnv(c *Config, env []string) (warnings []string, err error) {
	known := map[string]setting{}
	names := []string{envPrefix + "CONFIG"}
	for _, s := range settings(c) {
		known[s.env()] = s
		names = append(names, s.env())
	}
	env = slices.Sorted(slices.Values(env))
	for _, pair := range env {
		name, text, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix) || text == "" || name == envPrefix+"CONFIG" {
			continue
		}
		s, ok := known[name]
		if !ok {
			warning := fmt.Sprintf("the environment variable %s means nothing to us", name)
			if near := nearest(name, names); near != "" {
				warning += "; did you mean " + near + "?"
			}
			warnings = append(warnings, warning)
			continue
		}
		if err := assignText(s, text); err != nil {
			return warnings, fmt.Errorf("%s: %w", name, err)
		}
	}
	return warnings, nil
}
