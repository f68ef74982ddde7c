package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"crieur/publisher"
)

// A form is how a key is written in YAML.
type form int8

const (
	text     form = iota
	secret        // text that is never shown
	number        // a whole number
	decimal       // any number
	truth         // true or false
	duration      // 30s
	address       // Name <name@example.org>
	texts         // a list of text
	pairs         // a map of text to text
	section       // a map of known keys
	items         // a list of sections
	named         // a map of names, each a section
)

// leaf reports whether a value of this form has no keys of its own below it.
func (f form) leaf() bool { return f != section && f != named }

// scalar reports whether the environment and the command line can give it.
func (f form) scalar() bool { return f <= texts }

// want says in words what a key of this form takes.
func (f form) want() string {
	switch f {
	case number:
		return "a whole number"
	case decimal:
		return "a number"
	case truth:
		return "true or false"
	case duration:
		return "a duration such as 30s, 5m or 3d"
	case address:
		return "an address such as Name <name@example.org>"
	case texts, items:
		return "a list"
	case pairs, section, named:
		return "a map of keys"
	}
	return "text"
}

// A field is one key of a section, as a struct's field declares it with tags:
//
//	mapstructure  the key; the field's name in snake case where it is left out;
//	              "-" for no key; ",squash" for the keys of an embedded struct
//	desc          one sentence for the schema
//	default       the value where none is set
//	enum          the values that are allowed, separated by commas
//	min, max      bounds of a number, a duration's in nanoseconds
//	format        what a text must be: see checkFormat
//	lines         "true": the text may have several lines
//	required      "true": the key must be set
//	names         the key holds a map of names; what one of them is called
//
// A field without a default tag has the value of the struct that it was read from.
type field struct {
	key      string
	index    []int
	typ      reflect.Type
	form     form
	tag      reflect.StructTag
	standing any // the struct's own value; nil where it is zero
}

func (f field) fallback() (string, bool) { return f.tag.Lookup("default") }
func (f field) required() bool           { return f.tag.Get("required") == "true" }
func (f field) enum() []string {
	if s := f.tag.Get("enum"); s != "" {
		return strings.Split(s, ",")
	}
	return nil
}

// advice says how to add the key, in the words of its description.
func (f field) advice() string {
	what, _, _ := strings.Cut(f.tag.Get("desc"), ". ")
	what = strings.TrimSuffix(what, ".")
	if r := []rune(what); len(r) > 1 && !unicode.IsUpper(r[1]) {
		r[0] = unicode.ToLower(r[0])
		what = string(r)
	}
	if what == "" {
		what = f.form.want()
	}
	return "add the key " + f.key + ": " + what
}

// below gives the fields of a section, or of each section that the value holds.
func (f field) below() []field {
	t := f.typ
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return fieldsOf(reflect.New(t).Elem())
}

var (
	secretType    = reflect.TypeFor[publisher.Secret]()
	addressType   = reflect.TypeFor[publisher.Address]()
	durationType  = reflect.TypeFor[time.Duration]()
	unmarshalType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// fieldsOf gives the keys of the struct v. It panics where a field has a type
// that no key can have: that is a mistake in the program.
func fieldsOf(v reflect.Value) []field {
	var fields []field
	t := v.Type()
	for i := range t.NumField() {
		sf := t.Field(i)
		key, option, _ := strings.Cut(sf.Tag.Get("mapstructure"), ",")
		if key == "-" || !sf.IsExported() {
			continue
		}
		if option == "squash" || sf.Anonymous && key == "" && sf.Type.Kind() == reflect.Struct {
			for _, inner := range fieldsOf(v.Field(i)) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
			continue
		}
		if key == "" {
			key = snake(sf.Name)
		}
		f := field{key: key, index: sf.Index, typ: sf.Type, tag: sf.Tag}
		f.form = formOf(sf.Type)
		if f.form == items && sf.Tag.Get("names") != "" {
			f.form = named
		}
		if f.form.leaf() && !v.Field(i).IsZero() {
			f.standing = v.Field(i).Interface()
		}
		fields = append(fields, f)
	}
	return fields
}

func formOf(t reflect.Type) form {
	switch {
	case t == secretType:
		return secret
	case t == addressType:
		return address
	case t == durationType:
		return duration
	case reflect.PointerTo(t).Implements(unmarshalType):
		return text
	}
	switch t.Kind() {
	case reflect.String:
		return text
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return number
	case reflect.Float64:
		return decimal
	case reflect.Bool:
		return truth
	case reflect.Struct:
		return section
	case reflect.Map:
		if t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String {
			return pairs
		}
	case reflect.Slice:
		switch t.Elem().Kind() {
		case reflect.String:
			return texts
		case reflect.Struct:
			return items
		}
	}
	panic(fmt.Sprintf("config: no key can have the type %s", t))
}

// snake writes a field's name as a key: AppPassword as app_password.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// keysOf gives the keys of fields, for hints.
func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

// A path leads to a value: its keys joined by NUL, which no key can hold.
type path string

const separator = "\x00"

func (p path) key(k string) path {
	if p == "" {
		return path(k)
	}
	return p + separator + path(k)
}

func (p path) item(i int) path { return p + path("["+strconv.Itoa(i)+"]") }

func (p path) parent() path {
	if i := strings.LastIndexAny(string(p), separator+"["); i >= 0 {
		return p[:i]
	}
	return ""
}

// String gives the path as the user writes it: smtp.main.port.
func (p path) String() string { return strings.ReplaceAll(string(p), separator, ".") }

// variable names the environment variable that sets the key.
func (p path) variable() string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, string(p))
	return variablePrefix + name
}

const variablePrefix = "CRIEUR_"
