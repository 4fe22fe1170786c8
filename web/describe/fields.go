package describe

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// Field is one field of arguments or of a document, for people.
type Field struct {
	Path     string // from the top, with dots: "lines.*.sku"; * stands for any id
	Type     string // "text", "whole number", "map of objects"
	Required bool
	Words    string // what it means and what it may be
}

// shapes are the types that are explained once and not in every place.
var shapes = map[reflect.Type]string{
	timeType:                             "time",
	reflect.TypeFor[commerce.Money]():    "money",
	reflect.TypeFor[hub.Actor]():         "actor",
	reflect.TypeFor[json.RawMessage]():   "any JSON",
	reflect.TypeFor[hub.Channel]():       "channel",
	reflect.TypeFor[map[string]uint64](): "versions by key",
}

// fieldsOf lists the fields of a type, those of objects inside it behind their own.
func (s *schemas) fieldsOf(t reflect.Type, r rules) []Field { return s.fields(t, r, "", "", 0) }

func (s *schemas) fields(t reflect.Type, r rules, path, pointer string, depth int) []Field {
	var all []Field
	if t.Kind() != reflect.Struct || depth > 4 {
		return nil
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			all = append(all, s.fields(f.Type, r, path, pointer, depth)...)
			continue
		}
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		field := Field{Path: path + name, Type: typeName(f.Type)}
		rule := r[pointer+"/"+name]
		field.Required = rule.required
		comment := s.comment(t, f.Name)
		if comment == "" && field.Type != "object" { // an object's own fields say it
			comment = glossary[name]
		}
		field.Words = words(comment, rule)
		all = append(all, field)
		inner, below := f.Type, "/"+name
		suffix := "."
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Map || inner.Kind() == reflect.Slice {
			if inner.Kind() != reflect.Pointer {
				below, suffix = below+"/*", ".*."
			}
			inner = inner.Elem()
		}
		if _, known := shapes[inner]; !known && shapes[f.Type] == "" {
			all = append(all, s.fields(inner, r, path+name+suffix, pointer+below, depth+1)...)
		}
	}
	return all
}

// glossary explains names that mean the same wherever they stand and that no
// comment explains.
var glossary = map[string]string{
	"cart": "the cart's id", "line": "the line's id", "sku": "the id of what is sold", "order": "the order's id",
	"tender": "the tender's id", "fulfilment": "the fulfilment's id; may be left out where there is only one",
	"return": "the return's id", "reservation": "the reservation's id", "conversation": "the conversation's id",
	"message": "the message's id", "store": "the store's id", "queue": "the queue's id", "name": "for people",
	"quantity": "how many", "price": "of one", "total": "what it comes to", "reason": "why",
	"currency": "of all amounts", "number": "for people, on receipts and tickets", "ticket_name": "whom to call",
	"state": "where it stands", "status": "where it stands", "lines": "by the line's id", "tenders": "what pays it, by the tender's id",
	"fulfilments": "how it reaches the customer, by the fulfilment's id", "returns": "what came back, by the return's id",
	"text": "what is said", "body": "what is said", "attachments": "by the attachment's id", "subject": "the key of the order or cart it is about",
	"tags": "words to find it by", "summary": "in a few words", "skills": "what an agent must be able to do",
	"priority": "higher goes first", "until": "when it ends", "at": "when", "by": "who did it", "carrier": "who brings it", "tracking": "the carrier's number",
	"placed_at": "when it was placed", "placed_by": "who placed it", "promised_at": "when it is to be ready", "opened_at": "when it was opened",
	"opened_by": "who opened it", "added_by": "who added it", "added_at": "when it was added", "context": "the customer's context",
	"channel": "where it came from: app, pos, web, whatsapp …", "address": "where to, or the customer's handle on the channel",
	"balance": "points that there are", "held": "of them, points that are set aside", "tier": "the customer's level", "points": "how many points",
	"occurred_at": "when it happened, by the device's own clock", "sent_at": "when it was sent", "amount": "how much",
	"collect_code": "what the customer shows at the counter", "verified": "whether a backend made sure that it is theirs",
	"order_state": "open, confirmed, complete or cancelled", "payment_state": "balance_due, pending, paid, credit_owed or failed",
	"reserved": "of them, promised to orders", "safety": "of them, kept back", "available": "on_hand less reserved and safety",
	"snoozed_until": "not to be had until then", "refunded": "what was given back of it", "note": "for colleagues",
	"accepted_at": "when it was begun", "ready_at": "when it was ready", "picked_up_at": "when it was handed over",
	"closed_at": "when it was over", "frozen_until": "until when prices and goods are kept", "merged_into": "what it is part of now",
	"preferred_store": "the store's id", "first_seen": "when it was first heard of", "erased_at": "when the customer was erased",
	"owned_at": "since when the owner has it", "status_at": "since when", "status_by": "who made it so", "expires_at": "until when",
}

func typeName(t reflect.Type) string {
	if name, ok := shapes[t]; ok {
		return name
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Uint32:
		return "whole number"
	case reflect.Map:
		return "map of " + plural(typeName(t.Elem()))
	case reflect.Slice:
		return "list of " + plural(typeName(t.Elem()))
	case reflect.Struct:
		return "object"
	}
	return "any JSON"
}

func plural(word string) string {
	switch word {
	case "text":
		return "texts"
	case "money":
		return "money"
	case "any JSON":
		return word
	}
	if strings.HasPrefix(word, "map of") || strings.HasPrefix(word, "list of") {
		first, rest, _ := strings.Cut(word, " ")
		return first + "s " + rest
	}
	return word + "s"
}

var links = regexp.MustCompile(`\[([A-Za-z.]+)\]`)

// words puts what a comment says and what the checks demand into one line.
func words(comment string, r rule) string {
	var parts []string
	if comment = strings.TrimSuffix(clean(comment), "."); comment != "" {
		parts = append(parts, comment)
	}
	if len(r.enum) > 0 && !strings.Contains(comment, r.enum[len(r.enum)-1]) {
		parts = append(parts, "one of "+strings.Join(r.enum, ", "))
	}
	for _, word := range r.words {
		parts = append(parts, strings.TrimPrefix(strings.TrimPrefix(word, "must have "), "must be "))
	}
	return capital(strings.Join(parts, "; "))
}

// clean is a comment without the marks that are for Go's own documentation.
func clean(comment string) string {
	return links.ReplaceAllString(strings.Join(strings.Fields(comment), " "), "$1")
}
