package describe

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/samepage/samepage/hub"
)

type object = map[string]any

// document has its members in the order in which people look for them.
type document struct {
	OpenAPI    string `json:"openapi,omitempty"`
	AsyncAPI   string `json:"asyncapi,omitempty"`
	Info       any    `json:"info"`
	Servers    any    `json:"servers,omitempty"`
	Tags       any    `json:"tags,omitempty"`
	Security   any    `json:"security,omitempty"`
	Paths      any    `json:"paths,omitempty"`
	Channels   any    `json:"channels,omitempty"`
	Operations any    `json:"operations,omitempty"`
	Components any    `json:"components"`
}

func (d *Description) info(what string) object {
	return object{
		"title": "Samepage", "version": d.Version, "license": object{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
		"description": what + " The same in words, with examples, is at /docs/.",
	}
}

// OpenAPI describes the HTTP API as OpenAPI 3.1.
func (d *Description) OpenAPI() ([]byte, error) {
	paths := object{}
	for _, e := range d.Endpoints {
		if e.Path != "/v1/commands/{method}" {
			paths[e.Path] = object{strings.ToLower(e.Method): d.operation(e)}
		}
	}
	var tags []object
	for _, n := range d.Nouns {
		tags = append(tags, object{"name": n.Name})
	}
	for _, c := range d.Commands() {
		paths["/v1/commands/"+c.Name] = object{"post": d.commandOperation(c)}
	}
	d.documents()
	return d.encode(document{
		OpenAPI: "3.1.0", Info: d.info("The HTTP API. A command is its own path; what a caller's audience may not see is left out of every answer."),
		Servers: []object{{"url": "/"}}, Tags: tags, Paths: paths,
		Components: object{
			"schemas": d.schemas.all,
			"securitySchemes": object{
				"token": object{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
				"key":   object{"type": "apiKey", "in": "header", "name": "X-API-Key"},
			},
		},
	})
}

// documents sees to it that every document of an entry has its schema, strict
// where a caller writes and open where the hub does.
func (d *Description) documents() {
	for _, t := range []reflect.Type{
		reflect.TypeFor[Answer](), reflect.TypeFor[Refusal](), reflect.TypeFor[HTTPProblem](), reflect.TypeFor[APIRefusal](),
	} {
		d.schemas.of(t)
	}
	for _, e := range d.Entries {
		d.schemas.of(e.Doc)
	}
	for _, e := range d.Endpoints {
		for _, t := range []reflect.Type{e.body, e.answer} {
			if t != nil {
				d.schemas.of(t)
			}
		}
	}
	for _, c := range d.Commands() {
		if c.args != nil {
			d.argsOf(c)
		}
	}
	written := map[string]bool{}
	for _, c := range d.Commands() {
		d.reaches(d.schemas.of(c.args), written)
	}
	for name, s := range d.schemas.all {
		if !written[name] && s.Type == "object" {
			s.AdditionalProperties = nil
		}
	}
	if money := d.schemas.all["Money"]; money != nil {
		money.Required = []string{"amount", "currency"}
	}
	if event := d.schemas.all["Event"]; event != nil {
		event.Required = []string{"type", "at", "by"}
	}
	if problem := d.schemas.all["Problem"]; problem != nil {
		problem.Required = []string{"code", "message"}
	}
}

// reaches notes the definitions that a schema leads to.
func (d *Description) reaches(s *jsonschema.Schema, seen map[string]bool) {
	raw, err := json.Marshal(s)
	if err != nil {
		return
	}
	for _, part := range strings.Split(string(raw), `"#/$defs/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if !seen[name] {
			seen[name] = true
			d.reaches(d.schemas.all[name], seen)
		}
	}
}

// argsOf is the schema of a command's arguments, with what their checks demand.
func (d *Description) argsOf(c Command) *jsonschema.Schema {
	ref := d.schemas.of(c.args)
	d.demand(ref, c.rules, "")
	return ref
}

// demand writes rules into the definitions they are about.
func (d *Description) demand(s *jsonschema.Schema, r rules, at string) {
	if s == nil {
		return
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
		s = d.schemas.all[name]
	}
	if s.Items != nil {
		d.demand(s.Items, r, at+"/*")
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties != jsonschema.FalseSchema {
		d.demand(s.AdditionalProperties, r, at+"/*")
	}
	if s.Properties == nil {
		return
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		rule := r[at+"/"+p.Key]
		if rule.required && !slices.Contains(s.Required, p.Key) {
			s.Required = append(s.Required, p.Key)
			slices.Sort(s.Required)
		}
		if len(rule.enum) > 0 {
			p.Value.Enum = nil
			for _, word := range rule.enum {
				p.Value.Enum = append(p.Value.Enum, word)
			}
		}
		for _, word := range rule.words {
			if !strings.Contains(p.Value.Description, word) && p.Value.Ref == "" {
				p.Value.Description = strings.TrimPrefix(p.Value.Description+"; "+word, "; ")
			}
		}
		d.demand(p.Value, r, at+"/"+p.Key)
	}
}

// body is what a command's caller sends.
func (d *Description) body(c Command) object {
	args := d.argsOf(c)
	properties := object{
		"id":   object{"type": "string", "maxLength": hub.MaxCommandIDLength, "description": "Made by the caller before the first send, the same in every retry: a UUID."},
		"args": args,
	}
	required := []string{}
	if c.ModeWords != "not stored" && len(c.Kinds) > 0 {
		required = append(required, "id")
	}
	if len(c.Kinds) > 0 {
		word := "The channel that is addressed."
		if c.Finds {
			word += " Left out: the one that the arguments mean."
		} else {
			required = append(required, "on")
		}
		properties["on"] = object{"type": "string", "pattern": "^(" + strings.Join(c.Kinds, "|") + "):.", "description": word}
	}
	if slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Required && !strings.Contains(f.Path, ".") }) {
		required = append(required, "args")
	}
	if c.Mode != 0 && len(c.Kinds) > 0 {
		properties["if_version"] = object{
			"type": "object", "additionalProperties": object{"type": "integer", "minimum": 0},
			"description": "Entry key -> the version this was decided on. Here: " + c.ModeWords + ".",
		}
	}
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

func (d *Description) commandOperation(c Command) object {
	examples := object{}
	for i, call := range c.wellFormed() {
		examples[fmt.Sprintf("example%d", i+1)] = object{"summary": fmt.Sprintf("As %s: answered with status %d.", call.As, call.Status), "value": call.Request}
	}
	content := object{"schema": d.body(c)}
	if len(examples) > 0 {
		content["examples"] = examples
	}
	codes := hub.AnyCommand()
	for _, p := range c.Problems {
		codes = append(codes, p.Code)
	}
	responses := d.problemResponses(codes)
	responses["200"] = object{"description": "Accepted, or known already.", "content": object{"application/json": object{"schema": d.schemas.of(reflect.TypeFor[Answer]())}}}
	noun, _, _ := strings.Cut(c.Name, ".")
	return object{
		"operationId": c.Name, "tags": []string{noun}, "summary": firstSentence(c.Summary),
		"description": c.Summary + " Who: " + rolesText(c.Roles) + ". Versions: " + c.ModeWords + ".",
		"x-roles":     c.Roles, "x-kinds": c.Kinds, "security": []object{{"token": []string{}}, {"key": []string{}}},
		"requestBody": object{"required": true, "content": object{"application/json": content}},
		"responses":   responses,
	}
}

// problemResponses groups codes by their status.
func (d *Description) problemResponses(codes []string) object {
	by := map[int][]string{}
	for _, code := range codes {
		status := (&hub.Problem{Code: code}).Status()
		if !slices.Contains(by[status], code) {
			by[status] = append(by[status], code)
		}
	}
	ref := d.schemas.of(reflect.TypeFor[HTTPProblem]())
	responses := object{}
	for _, status := range slices.Sorted(maps.Keys(by)) {
		responses[strconv.Itoa(status)] = object{
			"description": strings.Join(by[status], ", "),
			"content": object{"application/problem+json": object{"schema": object{
				"allOf": []any{ref, object{"properties": object{"code": object{"enum": by[status]}}}},
			}}},
		}
	}
	return responses
}

func (d *Description) operation(e Endpoint) object {
	op := object{"operationId": e.id, "summary": firstSentence(e.Summary), "description": e.Summary}
	var parameters []object
	for _, p := range e.parameters {
		parameters = append(parameters, object{
			"name": p.name, "in": p.in, "required": p.in == "path", "schema": object{"type": p.kind}, "description": p.summary,
		})
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	op["security"] = []object{}
	switch e.Auth {
	case "token or key":
		op["security"] = []object{{"token": []string{}}, {"key": []string{}}}
	case "key":
		op["security"] = []object{{"key": []string{}}}
	}
	if e.body != nil {
		op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": d.schemas.of(e.body)}}}
	}
	responses := d.problemResponses(e.problems)
	if e.Auth == "key" {
		responses["401"] = object{"description": "The key is missing or wrong.", "content": object{"application/json": object{"schema": d.schemas.of(reflect.TypeFor[APIRefusal]())}}}
	}
	ok := object{"description": "OK"}
	switch {
	case e.Kind == "WebSocket":
		responses["101"] = object{"description": "Switching to the protocol that /v1/asyncapi.json describes."}
		op["responses"] = responses
		return op
	case e.answer != nil:
		ok["content"] = object{"application/json": object{"schema": d.answerOf(e)}}
		if e.id == "events" {
			ok["content"].(object)["text/event-stream"] = object{"schema": object{"type": "string"}}
		}
	case e.Kind != "":
		ok["content"] = object{e.Kind: object{"schema": object{"type": "string"}}}
	}
	responses["200"] = ok
	if e.id == "ready" {
		responses["503"] = object{"description": "Not ready, and why.", "content": object{"application/json": object{"schema": d.schemas.of(e.answer)}}}
	}
	op["responses"] = responses
	return op
}

// answerOf is what an endpoint answers with; the server API puts a result or an error around it.
func (d *Description) answerOf(e Endpoint) any {
	ref := d.schemas.of(e.answer)
	if !strings.HasPrefix(e.id, "api_") || e.id == "api_batch" {
		return ref
	}
	return object{"oneOf": []any{
		object{"type": "object", "properties": object{"result": ref}, "required": []string{"result"}},
		d.schemas.of(reflect.TypeFor[APIRefusal]()),
	}}
}

func (d *Description) encode(doc document) ([]byte, error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	return []byte(strings.ReplaceAll(string(raw), `"#/$defs/`, `"#/components/schemas/`)), nil
}

func firstSentence(text string) string {
	if first, _, ok := strings.Cut(text, ". "); ok {
		return first + "."
	}
	return text
}

func rolesText(roles []hub.Role) string {
	if len(roles) == 0 {
		return "the hub itself"
	}
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}
