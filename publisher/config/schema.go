package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"crieur/publisher"
)

// Schema gives the JSON Schema (2020-12) of config.yaml, made from the structs
// that Load fills. kinds holds, by the networks' names, a pointer to each one's
// keys with their defaults; which of them a channel takes is chosen by its kind.
// The same structs give the same bytes.
func Schema(kinds map[string]any) ([]byte, error) {
	s := sectionSchema(fieldsOf(reflect.ValueOf(Config{})))
	s.Dialect, s.Title = "https://json-schema.org/draft/2020-12/schema", "crieur's config.yaml"
	names := slices.Sorted(maps.Keys(kinds))
	for i, p := range s.Properties {
		if p.key == "channels" {
			channels, err := channelSchema(names, kinds)
			if err != nil {
				return nil, err
			}
			s.Properties[i].value.AdditionalProperties = channels
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return nil, &publisher.Error{Kind: publisher.Internal, Op: "write schema", Err: err}
	}
	return b.Bytes(), nil
}

// A schema is the part of JSON Schema that a configuration needs.
type schema struct {
	Dialect              string      `json:"$schema,omitempty"`
	Title                string      `json:"title,omitempty"`
	Description          string      `json:"description,omitempty"`
	Type                 any         `json:"type,omitempty"`
	Const                string      `json:"const,omitempty"`
	Enum                 []any       `json:"enum,omitempty"`
	Default              any         `json:"default,omitempty"`
	Pattern              string      `json:"pattern,omitempty"`
	Minimum              *int64      `json:"minimum,omitempty"`
	Maximum              *int64      `json:"maximum,omitempty"`
	Items                *schema     `json:"items,omitempty"`
	UniqueItems          bool        `json:"uniqueItems,omitempty"`
	Properties           properties  `json:"properties,omitempty"`
	PropertyNames        *schema     `json:"propertyNames,omitempty"`
	AdditionalProperties any         `json:"additionalProperties,omitempty"` // false, or a *schema
	Required             []string    `json:"required,omitempty"`
	AllOf                []condition `json:"allOf,omitempty"`
}

// A condition says what holds for a channel of one kind.
type condition struct {
	If   *schema `json:"if"`
	Then *schema `json:"then"`
}

// properties are an object's keys in the order of the struct, which is the order
// in which an editor offers them.
type properties []property

type property struct {
	key   string
	value *schema
}

func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, one := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(one.key)
		if err != nil {
			return nil, err
		}
		value, err := marshal(one.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshal leaves < and > as they are, which descriptions hold.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

func sectionSchema(fields []field) *schema {
	s := &schema{Type: []string{"object", "null"}, AdditionalProperties: false}
	for _, f := range fields {
		s.Properties = append(s.Properties, property{f.key, f.schema()})
		if f.required() {
			s.Required = append(s.Required, f.key)
		}
	}
	if len(s.Required) > 0 {
		s.Type = "object"
	}
	return s
}

// channelSchema gives the schema of one channel: its kind, and for each kind the
// keys that come with it.
func channelSchema(names []string, kinds map[string]any) (*schema, error) {
	common := fieldsOf(reflect.ValueOf(Channel{}))
	s := &schema{Type: "object", Required: []string{"kind"}, Properties: properties{{"kind", kindSchema(names)}}}
	for _, name := range names {
		v := reflect.ValueOf(kinds[name])
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return nil, &publisher.Error{Kind: publisher.Internal, Op: "write schema", Where: "channels, kind " + name,
				Err: fmt.Errorf("want a struct of keys, got %T", kinds[name])}
		}
		then := sectionSchema(append(slices.Clone(common), fieldsOf(v)...))
		then.Type, then.Required = nil, slices.DeleteFunc(then.Required, func(key string) bool { return key == "kind" })
		then.Properties[0].value = kindSchema([]string{name})
		s.AllOf = append(s.AllOf, condition{
			If:   &schema{Properties: properties{{"kind", &schema{Const: name}}}, Required: []string{"kind"}},
			Then: then,
		})
	}
	return s, nil
}

func kindSchema(names []string) *schema {
	s := &schema{Description: "The network.", Type: "string"}
	for _, name := range names {
		s.Enum = append(s.Enum, name)
	}
	return s
}

// reference is what stands for a value in the environment or a file. A key that is
// no text may be given as one.
const reference = `\$\{(env|file):[^}]+\}`

// schema describes one key.
func (f field) schema() *schema {
	s := &schema{}
	switch f.form {
	case section, items, named:
		s = f.containerSchema()
	case number:
		s.Type, s.Pattern = []string{"integer", "string"}, "^"+reference+"$"
		low, high := f.limits()
		s.Minimum, s.Maximum = bound(low, math.MinInt64), bound(high, math.MaxInt64)
	case decimal:
		s.Type, s.Pattern = []string{"number", "string"}, "^"+reference+"$"
	case truth:
		s.Type, s.Pattern = []string{"boolean", "string"}, "^"+reference+"$"
	case duration:
		s.Type, s.Pattern = "string", `^(([0-9.]+(ns|us|µs|ms|s|m|h|d))+|`+reference+`)$`
	case texts:
		s.Type, s.Items, s.UniqueItems = "array", &schema{Type: "string", Enum: choices(f.enum())}, true
	case pairs:
		s.Type, s.AdditionalProperties = "object", &schema{Type: "string"}
	default:
		s.Type, s.Enum = "string", choices(f.enum())
		if f.tag.Get("format") == "url" && s.Enum == nil {
			s.Pattern = `^https?://|\$\{`
		}
	}
	s.Description = f.tag.Get("desc")
	s.Default = f.schemaDefault()
	return s
}

func (f field) containerSchema() *schema {
	one := sectionSchema(f.below())
	switch f.form {
	case items:
		return &schema{Type: "array", Items: one}
	case named:
		return &schema{Type: []string{"object", "null"}, PropertyNames: &schema{Pattern: name.String()}, AdditionalProperties: one}
	}
	return one
}

// schemaDefault gives the value of a key that is not set, as JSON has it.
func (f field) schemaDefault() any {
	s, tagged := f.fallback()
	switch {
	case !tagged && f.standing == nil, f.form == secret:
		return nil
	case !tagged && f.form == duration:
		return fmt.Sprint(f.standing)
	case !tagged:
		return f.standing
	}
	switch f.form {
	case number:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	case decimal:
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return n
		}
	case truth:
		return s == "true"
	case texts:
		return strings.Split(s, ",")
	}
	return s
}

func choices(enum []string) []any {
	var all []any
	for _, e := range enum {
		all = append(all, e)
	}
	return all
}

// bound gives n, or nil where it is no bound at all.
func bound(n, none int64) *int64 {
	if n == none {
		return nil
	}
	return &n
}
