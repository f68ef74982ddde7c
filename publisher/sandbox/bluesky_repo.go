package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	feedPost  = "app.bsky.feed.post"
	tidLetter = "234567abcdefghijklmnopqrstuvwxyz"
)

// atproto.com/specs/tid: 13 letters, the first of which keeps the top bit clear.
var tid = regexp.MustCompile(`^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$`)

// recordInput is the body of createRecord, putRecord and deleteRecord together.
type recordInput struct {
	Repo       string          `json:"repo"`
	Collection string          `json:"collection"`
	Rkey       string          `json:"rkey"`
	Validate   *bool           `json:"validate"`
	Record     json.RawMessage `json:"record"`
	SwapRecord json.RawMessage `json:"swapRecord"` // absent, null and a CID mean three things
	SwapCommit *string         `json:"swapCommit"`
}

func (b *bluesky) atURI(rkey string) string {
	return "at://" + b.s.keys.DID + "/" + feedPost + "/" + rkey
}

// place checks repository and collection of a request.
func (b *bluesky) place(w http.ResponseWriter, repo, collection string) bool {
	switch {
	case repo != b.s.keys.DID && !strings.EqualFold(repo, b.handle()):
		b.invalid(w, "Could not find repo: %s", repo)
	case collection != feedPost:
		b.invalid(w, "this sandbox keeps %s only, not %q", feedPost, collection)
	default:
		return true
	}
	return false
}

func (b *bluesky) readInput(w http.ResponseWriter, r *http.Request) (in recordInput, ok bool) {
	if err := readJSON(r, &in); err != nil {
		b.invalid(w, "%v", err)
		return in, false
	}
	if in.SwapCommit != nil {
		b.invalid(w, "this sandbox knows no swapCommit")
		return in, false
	}
	return in, b.place(w, in.Repo, in.Collection)
}

// putRecord: com.atproto.repo.putRecord. "swapRecord": null means create only; a CID
// means change only that version; absent means whatever is there.
func (b *bluesky) putRecord(w http.ResponseWriter, r *http.Request) {
	in, ok := b.readInput(w, r)
	if !ok {
		return
	}
	if !tid.MatchString(in.Rkey) {
		b.invalid(w, "Invalid record key: expected Invalid TID string (got %q)", in.Rkey)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p, problem := b.compose(in)
	if problem != "" {
		b.invalid(w, "%s", problem)
		return
	}
	old, exists := b.live(in.Rkey)
	if len(in.SwapRecord) > 0 {
		var swap *string
		if err := json.Unmarshal(in.SwapRecord, &swap); err != nil {
			b.invalid(w, "swapRecord is neither null nor a CID")
			return
		}
		switch {
		case swap == nil && exists, swap != nil && exists && *swap != old.CID:
			b.fail(w, http.StatusBadRequest, "InvalidSwap", "Record was at "+old.CID)
			return
		case swap != nil && !exists:
			b.fail(w, http.StatusBadRequest, "InvalidSwap", "Record was at null")
			return
		}
	}
	if exists && old.CID == p.CID {
		// A PDS calls this a success without a commit.
		writeJSON(w, http.StatusOK, map[string]string{"uri": old.URI, "cid": old.CID, "validationStatus": "valid"})
		return
	}
	if exists {
		p.At, p.Edited = old.At, p.At
	}
	b.keep(w, p)
}

// createRecord makes a record under a key of the server's, or under the client's,
// where a PDS answers 500 if that key is taken.
func (b *bluesky) createRecord(w http.ResponseWriter, r *http.Request) {
	in, ok := b.readInput(w, r)
	if !ok {
		return
	}
	if len(in.SwapRecord) > 0 {
		b.invalid(w, "createRecord knows no swapRecord")
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if in.Rkey == "" {
		in.Rkey = b.newTID()
	} else if !tid.MatchString(in.Rkey) {
		b.invalid(w, "Invalid record key: expected Invalid TID string (got %q)", in.Rkey)
		return
	}
	if _, exists := b.live(in.Rkey); exists {
		b.fail(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
		return
	}
	p, problem := b.compose(in)
	if problem != "" {
		b.invalid(w, "%s", problem)
		return
	}
	b.keep(w, p)
}

func (b *bluesky) live(rkey string) (Post, bool) {
	p, ok := b.s.arrivals.post(Bluesky, rkey)
	return p, ok && p.Gone.IsZero()
}

func (b *bluesky) keep(w http.ResponseWriter, p Post) {
	p, err := b.s.arrivals.putPost(p)
	if err != nil {
		b.fail(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
		return
	}
	rev := b.newTID()
	writeJSON(w, http.StatusOK, map[string]any{"uri": p.URI, "cid": p.CID, "validationStatus": "valid",
		"commit": map[string]string{"rev": rev, "cid": cidOf(codecCBOR, []byte(rev))}})
}

// newTID gives a record key of the server's own: microseconds and a clock's number.
func (b *bluesky) newTID() string {
	b.lastTID = max(b.s.cfg.Now().UnixMicro(), b.lastTID+1)
	n := uint64(b.lastTID) << 10
	var out [13]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = tidLetter[n&31]
		n >>= 5
	}
	return string(out[:])
}

// compose checks a record and makes it into a Post. The caller holds mu.
func (b *bluesky) compose(in recordInput) (p Post, problem string) {
	dec := json.NewDecoder(bytes.NewReader(in.Record))
	dec.UseNumber()
	var record map[string]any
	if err := dec.Decode(&record); err != nil || record == nil {
		return p, "Input/record must be an object"
	}
	p, err := b.checkPost(record)
	if err != nil {
		return p, fmt.Sprintf("Invalid %s record: %v", feedPost, err)
	}
	cid, err := recordCID(record)
	if err != nil {
		return p, fmt.Sprintf("Invalid %s record: %v", feedPost, err)
	}
	p.Network, p.ID, p.CID, p.URI, p.Raw, p.At = Bluesky, in.Rkey, cid, b.atURI(in.Rkey), in.Record, b.s.cfg.Now()
	p.URL = fmt.Sprintf("%s/bluesky/profile/%s/post/%s", b.s.info.PublicURL, b.handle(), in.Rkey)
	return p, ""
}

func (b *bluesky) deleteRecord(w http.ResponseWriter, r *http.Request) {
	in, ok := b.readInput(w, r)
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p, exists := b.live(in.Rkey)
	if !exists {
		writeJSON(w, http.StatusOK, struct{}{}) // deleting what is gone is a success
		return
	}
	var swap *string
	if len(in.SwapRecord) > 0 && (json.Unmarshal(in.SwapRecord, &swap) != nil || swap == nil || *swap != p.CID) {
		b.fail(w, http.StatusBadRequest, "InvalidSwap", "Record was at "+p.CID)
		return
	}
	p.Gone = b.s.cfg.Now()
	b.keep(w, p)
}

func (b *bluesky) getRecord(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !b.place(w, q.Get("repo"), q.Get("collection")) {
		return
	}
	p, ok := b.live(q.Get("rkey"))
	if cid := q.Get("cid"); !ok || cid != "" && cid != p.CID {
		b.fail(w, http.StatusBadRequest, "RecordNotFound", "Could not locate record: "+b.atURI(q.Get("rkey")))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"uri": p.URI, "cid": p.CID, "value": p.Raw})
}

func (b *bluesky) listRecords(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !b.place(w, q.Get("repo"), q.Get("collection")) {
		return
	}
	limit := 50
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100 {
			b.invalid(w, "Params must have the property \"limit\" between 1 and 100")
			return
		}
		limit = n
	}
	var live []*Post
	for _, p := range b.s.arrivals.allPosts(Bluesky) {
		if p.Gone.IsZero() {
			live = append(live, p)
		}
	}
	reverse := q.Get("reverse") == "true"
	slices.SortFunc(live, func(x, y *Post) int {
		if reverse {
			return strings.Compare(x.ID, y.ID)
		}
		return strings.Compare(y.ID, x.ID)
	})
	out := map[string]any{}
	records := []any{}
	for _, p := range live {
		if c := q.Get("cursor"); c != "" && (reverse && p.ID <= c || !reverse && p.ID >= c) {
			continue
		}
		records = append(records, map[string]any{"uri": p.URI, "cid": p.CID, "value": p.Raw})
		if len(records) == limit {
			out["cursor"] = p.ID
			break
		}
	}
	out["records"] = records
	writeJSON(w, http.StatusOK, out)
}

// datetime is the AT Protocol's: RFC 3339 with a zone, capital letters, and no
// "-00:00" (atproto.com/specs/lexicon#datetime).
var datetime = regexp.MustCompile(`^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,20})?(Z|[+-][0-2][0-9]:[0-5][0-9])$`)

func isDatetime(s string) bool {
	if !datetime.MatchString(s) || strings.HasSuffix(s, "-00:00") || strings.HasPrefix(s, "0000") {
		return false
	}
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}
