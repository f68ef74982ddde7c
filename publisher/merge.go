package publisher

// A MergeField is one of the values that differ from reader to reader. The list
// is closed: a template can place them, and nothing else is filled in at sending.
type MergeField string

const (
	MergeName        MergeField = "name"     // as the reader gave it; may be empty
	MergeGreeting    MergeField = "greeting" // a whole salutation, with or without the name
	MergeEmail       MergeField = "email"
	MergeSince       MergeField = "since"       // the day the reader subscribed, as a date in the letter's language
	MergeUnsubscribe MergeField = "unsubscribe" // URL: a page with a button; the one-click POST goes there too
	MergePreferences MergeField = "preferences" // URL
	MergeView        MergeField = "view"        // URL: the neutral copy of the issue, the same for everyone
)

// MergeFields lists them all.
func MergeFields() []MergeField {
	return []MergeField{MergeName, MergeGreeting, MergeEmail, MergeSince, MergeUnsubscribe, MergePreferences, MergeView}
}

// Merge holds one reader's values, as plain text; whoever fills them in escapes
// them for the place they stand in.
type Merge map[MergeField]string

// Marker gives the text that stands for a field in a rendering's HTML and Text.
// It is letters and digits only, so that no template escaping, URL encoding or
// line wrapping changes it; the nonce, which is derived from the content, keeps an
// article from containing one by itself.
func Marker(nonce string, f MergeField) string { return "crieurmerge" + nonce + string(f) + "end" }
