package describe

import (
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/samepage/samepage/hub"
)

// rules is what the checks of a command's arguments demand: JSON Pointer ->
// rule, with * for the keys of maps and the places of lists.
type rules map[string]rule

// rule is what holds for one argument.
type rule struct {
	required bool
	enum     []string
	words    []string // as the faults say it: "must have at most 64 bytes"
}

// key is what maps hold while their arguments are probed.
const key = "*"

// rulesOf asks the checks: it shows them values that are empty, too much, or
// odd, and notes the faults they find. What depends on several arguments at
// once may be missed; comments tell of that.
func rulesOf(args reflect.Type) rules {
	all := rules{}
	if args.Kind() != reflect.Struct {
		return all
	}
	for _, p := range []probe{{}, {shells: true}, {text: "?", number: -1, shells: true}, {text: strings.Repeat("x", 20_000), number: math.MaxInt64, shells: true}, {crowd: 1001}} {
		v := reflect.New(args)
		p.fill(v.Elem(), 0)
		for at, word := range check(v) {
			if p.crowd == 0 || !strings.Contains(at, "/"+key) {
				all.note(at, word, p)
			}
		}
	}
	return all
}

func check(v reflect.Value) hub.Faults {
	f := hub.Faults{}
	if c, ok := v.Interface().(hub.Checker); ok {
		c.Check(f)
	}
	return f
}

var oneOf = regexp.MustCompile(`^must be ((?:[a-z_]+, )*[a-z_]+ or [a-z_]+)$`)

func (all rules) note(at, word string, p probe) {
	r := all[at]
	if p == (probe{}) || p == (probe{shells: true}) && strings.Contains(at, "/"+key+"/") {
		r.required = r.required || word == "required" || strings.HasPrefix(word, "required:") || strings.HasPrefix(word, "must ")
	}
	word = strings.TrimPrefix(strings.TrimPrefix(word, "required: "), "required")
	if m := oneOf.FindStringSubmatch(word); m != nil {
		r.enum = strings.Split(strings.ReplaceAll(m[1], " or ", ", "), ", ")
	} else if word = strings.TrimSpace(word); word != "" && !slices.Contains(r.words, word) {
		r.words = append(r.words, word)
	}
	all[at] = r
}

// probe is a way to fill arguments.
type probe struct {
	text   string
	number int64
	shells bool // maps and lists hold one value, pointers point to one
	crowd  int  // maps and lists hold so many
}

func (p probe) fill(v reflect.Value, depth int) {
	if depth > 8 || v.Type() == timeType {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(p.text)
	case reflect.Int, reflect.Int64:
		v.SetInt(p.number)
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				p.fill(f, depth+1)
			}
		}
	case reflect.Pointer:
		if p.shells && v.Type().Elem() != timeType {
			v.Set(reflect.New(v.Type().Elem()))
			p.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		n := p.crowd
		if p.shells {
			n = 1
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		inner := p
		inner.crowd = 0 // one crowd at a time
		for i := range n {
			inner.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		if !p.shells && p.crowd == 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for i := range max(p.crowd, 1) {
			item := reflect.New(v.Type().Elem()).Elem()
			inner := p
			inner.crowd = 0
			inner.fill(item, depth+1)
			name := key
			if p.crowd > 0 {
				name += strconv.Itoa(i)
			}
			v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), item)
		}
	}
}
