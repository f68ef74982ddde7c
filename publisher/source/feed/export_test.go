package feed

import "time"

// A Read is an entry as it was read, before anything was made of it.
type Read struct {
	ID, Link, Title string
	Date            time.Time
}

// ReadAll gives a document's entries for tests to compare.
func ReadAll(data []byte, contentType, address string) ([]Read, error) {
	doc, err := parse(data, contentType, address)
	if err != nil {
		return nil, err
	}
	var out []Read
	for _, e := range doc.entries {
		r := Read{e.guid, e.link, "", e.stated}
		if e.named {
			r.Title = e.title
		}
		out = append(out, r)
	}
	return out, nil
}
