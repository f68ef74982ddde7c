package doctor

import "strings"

// A Record is one that DNS should have.
type Record struct {
	Name  string `json:"name"` // without a dot at the end
	Type  string `json:"type"` // "TXT"
	Value string `json:"value"`
}

// longestString is what one character-string of a TXT record holds (RFC 1035 §3.3).
const longestString = 255

// Zone gives the record as zone files and most forms take it: a TXT record's value in
// quoted strings of at most 255 octets, which its readers join (RFC 7208 §3.3).
func (r Record) Zone() string {
	value := r.Value
	if r.Type == "TXT" {
		var parts []string
		for len(value) > longestString {
			parts = append(parts, quote(value[:longestString]))
			value = value[longestString:]
		}
		value = strings.Join(append(parts, quote(value)), " ")
	}
	return r.Name + ". IN " + r.Type + " " + value
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
