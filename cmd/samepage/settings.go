package main

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// setting is one key of the configuration and the place where its value goes.
type setting struct {
	key   string // "client.token.audience"
	help  string
	value reflect.Value
}

// env is the variable that sets it.
func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

const envPrefix = "SAMEPAGE_"

// settings are all keys of c that hold a value, in the order of the struct.
func settings(c *Config) []setting {
	var all []setting
	var walk func(v reflect.Value, key, help string)
	walk = func(v reflect.Value, key, help string) {
		if v.Kind() == reflect.Struct && !isText(v) {
			for _, f := range fieldsOf(v.Type()) {
				walk(v.FieldByIndex(f.index), join(key, f.name), f.help)
			}
			return
		}
		all = append(all, setting{key: key, help: help, value: v})
	}
	walk(reflect.ValueOf(c).Elem(), "", "")
	return all
}

type field struct {
	name  string
	help  string
	index []int
}

// fieldsOf are the keys of a struct, those of embedded structs included.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" || !f.IsExported() || f.Anonymous {
			continue
		}
		fields = append(fields, field{name, f.Tag.Get("help"), f.Index})
	}
	return fields
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func isText(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	return ok
}

// assign puts a decoded YAML value where it belongs. Every key must be known
// and every value of its type; the error names the key.
func assign(v reflect.Value, tree any, key string) error {
	if tree == nil { // "key:" with nothing behind it
		return nil
	}
	if isText(v) {
		switch tree.(type) {
		case string, int64, uint64:
			if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(fmt.Append(nil, tree)); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			return nil
		}
		if _, secret := v.Addr().Interface().(*Secret); secret {
			tree = nil
		}
		return wrongType(key, "text", tree)
	}
	switch v.Kind() {
	case reflect.Struct:
		return assignStruct(v, tree, key)
	case reflect.Map:
		object, ok := tree.(map[string]any)
		if !ok {
			return wrongType(key, "a map", tree)
		}
		fresh := reflect.MakeMap(v.Type())
		for _, name := range slices.Sorted(maps.Keys(object)) {
			item := reflect.New(v.Type().Elem()).Elem()
			if err := assign(item, object[name], join(key, name)); err != nil {
				return err
			}
			fresh.SetMapIndex(reflect.ValueOf(name), item)
		}
		v.Set(fresh)
	case reflect.Interface:
		v.Set(reflect.ValueOf(tree)) // a document of its own, as it stands
	case reflect.Slice:
		if addresses, ok := v.Addr().Interface().(*Addresses); ok {
			if text, ok := tree.(string); ok {
				*addresses = addressesOf(text)
				return nil
			}
		}
		list, ok := tree.([]any)
		if !ok {
			return wrongType(key, "a list", tree)
		}
		fresh := reflect.MakeSlice(v.Type(), len(list), len(list))
		for i, item := range list {
			if err := assign(fresh.Index(i), item, fmt.Sprintf("%s[%d]", key, i)); err != nil {
				return err
			}
		}
		v.Set(fresh)
	default:
		return assignScalar(v, tree, key)
	}
	return nil
}

func assignStruct(v reflect.Value, tree any, key string) error {
	object, ok := tree.(map[string]any)
	if !ok {
		return wrongType(key, "a map", tree)
	}
	fields := fieldsOf(v.Type())
	for _, name := range slices.Sorted(maps.Keys(object)) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			var known []string
			for _, f := range fields {
				known = append(known, join(key, f.name))
			}
			return unknownKey(join(key, name), known)
		}
		if err := assign(v.FieldByIndex(fields[i].index), object[name], join(key, name)); err != nil {
			return err
		}
	}
	return nil
}

func assignScalar(v reflect.Value, tree any, key string) error {
	switch v.Kind() {
	case reflect.String:
		text, ok := tree.(string)
		if !ok {
			return wrongType(key, "text", tree)
		}
		v.SetString(text)
	case reflect.Bool:
		b, ok := tree.(bool)
		if !ok {
			return wrongType(key, "true or false", tree)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(fmt.Sprint(tree), 10, 64)
		if _, text := tree.(string); text || err != nil || v.OverflowInt(n) {
			return wrongType(key, "a whole number", tree)
		}
		v.SetInt(n)
	default:
		panic("config: no way to set " + key + ", a " + v.Kind().String())
	}
	return nil
}

// assignText is assign for a value that comes as text: from a variable or a flag.
func assignText(s setting, text string) error {
	switch {
	case isText(s.value), s.value.Kind() == reflect.String:
		return assign(s.value, text, s.key)
	case s.value.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return wrongType(s.key, "true or false", text)
		}
		s.value.SetBool(b)
		return nil
	case s.value.Type() == reflect.TypeFor[Addresses]() && !strings.HasPrefix(strings.TrimSpace(text), "["):
		return assign(s.value, text, s.key)
	case s.value.Kind() == reflect.Slice && s.value.Type().Elem().Kind() == reflect.String && !strings.HasPrefix(strings.TrimSpace(text), "["):
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
		s.value.Set(reflect.ValueOf(words))
		return nil
	}
	var tree any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		return fmt.Errorf("%s: not readable as JSON", s.key)
	}
	return assign(s.value, tree, s.key)
}

func wrongType(key, want string, got any) error {
	switch got := got.(type) {
	case string:
		return fmt.Errorf("%s: must be %s, not %q", key, want, got)
	case bool, int64, uint64, float64:
		return fmt.Errorf("%s: must be %s, not %v", key, want, got)
	case []any:
		return fmt.Errorf("%s: must be %s, not a list", key, want)
	case map[string]any:
		return fmt.Errorf("%s: must be %s, not a map", key, want)
	}
	return fmt.Errorf("%s: must be %s", key, want)
}
