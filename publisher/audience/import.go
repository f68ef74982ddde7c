package audience

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strings"
	"time"

	"crieur/publisher"
)

// ImportOptions says what to do with a file of readers.
type ImportOptions struct {
	List      string // needed
	Source    string // the file's name, for errors and the record of consent; "-" for standard input
	Consent   string // what is recorded as where the consent came from; "": "import SOURCE"
	Delimiter rune   // 0: found out from the header
	DryRun    bool   // reads everything, counts, writes nothing
}

// An ImportReport says what an import did, or would do. Rows = Added + Updated +
// Kept + Unchanged + Duplicates + Refused.
type ImportReport struct {
	Rows       int        `json:"rows"` // below the header, without empty ones
	Added      int        `json:"added"`
	Updated    int        `json:"updated"`
	Kept       int        `json:"kept"`      // had left or are suppressed: not brought back
	Unchanged  int        `json:"unchanged"` // were there already
	Duplicates int        `json:"duplicates"`
	Refused    int        `json:"refused"`
	Invalid    []RowError `json:"invalid,omitempty"` // the first of the Refused, at most maxRowErrors
}

// A RowError is one row that was not imported.
type RowError struct {
	Line   int    `json:"line"`            // in the file, from 1
	Value  string `json:"value,omitempty"` // what was refused, cut short and printable
	Reason string `json:"reason"`
}

const (
	maxRowErrors = 1000
	importBatch  = 1000
)

// Import reads delimited text with a header row (see header for the columns) and
// puts its rows on a list, a batch at a time, in bounded memory. A row that cannot
// be used is reported and costs itself alone. Reading the same file again changes
// nothing. Who left, or was removed, is not brought back by any file.
//
// After an error the report tells what was done until then; without an e-mail
// column nothing was.
func (s *Service) Import(ctx context.Context, r io.Reader, o ImportOptions) (ImportReport, error) {
	if err := needList(o.List, "import readers"); err != nil {
		return ImportReport{}, err
	}
	if o.Source == "" {
		o.Source = "-"
	}
	if o.Consent == "" {
		o.Consent = "import " + cleanName(o.Source)
	}
	t, cols, err := readHeader(r, o)
	if err != nil {
		return ImportReport{}, err
	}
	im := importer{service: s, options: o, seen: make(map[uint64]struct{}), seed: maphash.MakeSeed(), now: s.now()}
	for {
		cells, ok, err := t.record()
		switch {
		case err == io.EOF:
			return im.report, im.flush(ctx)
		case !ok:
			return im.report, readError(o, err)
		case err != nil:
			im.refuse(t.line, "", err.Error())
			continue
		}
		if err := im.row(ctx, t.line, cols, cells); err != nil {
			return im.report, err
		}
	}
}

// readHeader finds out delimiter and columns.
func readHeader(r io.Reader, o ImportOptions) (*table, columns, error) {
	buffered, err := decoded(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, columns{}, readError(o, err)
	}
	t := &table{r: buffered, delim: ','}
	for {
		first, err := t.peek()
		switch {
		case err == io.EOF:
			return nil, columns{}, badFile(o, "the file is empty", "the first line names the columns, for example: email,name")
		case errors.Is(err, errTooLong) || bytes.IndexByte(first, 0) >= 0 || bytes.HasPrefix(first, []byte("PK\x03\x04")):
			return nil, columns{}, badFile(o, "not a text file", "save the sheet as CSV and import that")
		case err != nil:
			return nil, columns{}, readError(o, err)
		case len(bytes.TrimSpace(first)) == 0:
			_, _ = t.take()
			continue
		}
		// Excel's own first line, which names the delimiter of those below.
		if rest, found := bytes.CutPrefix(bytes.ToLower(first), []byte("sep=")); found && len(rest) == 1 && o.Delimiter == 0 {
			o.Delimiter = rune(rest[0])
			_, _ = t.take()
			continue
		}
		t.delim = sniff(first)
		break
	}
	if o.Delimiter != 0 {
		if o.Delimiter > 0x7e || o.Delimiter < 0x20 && o.Delimiter != '\t' || o.Delimiter == '"' {
			return nil, columns{}, badFile(o, "delimiter that cannot be used", "name a comma, a semicolon or a tab")
		}
		t.delim = byte(o.Delimiter)
	}
	cells, ok, err := t.record()
	if !ok {
		return nil, columns{}, readError(o, err)
	}
	words := make([]string, len(cells))
	for i, cell := range cells {
		words[i] = text(cell)
	}
	cols := header(words)
	if cols.email < 0 {
		hint := "the first line names the columns; one of them must be email, e-mail, courriel or adresse"
		for _, word := range words {
			if _, err := Address(word); err == nil {
				hint = "the file begins with a reader; put a line above that names the columns, for example: email,name"
			}
		}
		return nil, columns{}, badFile(o, "no e-mail column", hint)
	}
	return t, cols, nil
}

// An importer is one import under way.
type importer struct {
	service *Service
	options ImportOptions
	report  ImportReport
	batch   []NewSubscriber
	seen    map[uint64]struct{} // hashes: a million addresses fit in some tens of MB
	seed    maphash.Seed
	now     time.Time
}

func (im *importer) row(ctx context.Context, line int, cols columns, cells [][]byte) error {
	at := func(i int) string {
		if i < 0 || i >= len(cells) {
			return ""
		}
		return strings.TrimSpace(text(cells[i]))
	}
	if len(bytes.Join(cells, nil)) == 0 {
		return nil
	}
	if len(cells) > cols.count && len(bytes.Join(cells[cols.count:], nil)) > 0 {
		im.refuse(line, at(cols.email), "more cells than columns")
		return nil
	}
	email, err := Address(at(cols.email))
	if err != nil {
		im.refuse(line, at(cols.email), errors.Unwrap(err).Error())
		return nil
	}
	st, ok := status(at(cols.status))
	if !ok {
		im.refuse(line, at(cols.status), "unknown status")
		return nil
	}
	since, err := date(at(cols.since), im.now)
	if err != nil {
		im.refuse(line, at(cols.since), err.Error())
		return nil
	}
	im.report.Rows++
	key := maphash.String(im.seed, publisher.EmailKey(email))
	if _, twice := im.seen[key]; twice {
		im.report.Duplicates++
		if st != publisher.Unsubscribed {
			return nil
		}
		// Two rows that contradict each other: the no counts.
		return im.leave(ctx, email)
	}
	im.seen[key] = struct{}{}
	name := at(cols.name)
	if name == "" {
		name = at(cols.first) + " " + at(cols.last)
	}
	token, err := newToken(im.service.rand)
	if err != nil {
		return err
	}
	im.batch = append(im.batch, NewSubscriber{Email: email, Name: cleanName(name), Language: language(at(cols.language)),
		Token: token, Since: since, Status: st})
	if len(im.batch) < importBatch {
		return nil
	}
	return im.flush(ctx)
}

func (im *importer) refuse(line int, value, reason string) {
	im.report.Rows++
	im.report.Refused++
	if len(im.report.Invalid) < maxRowErrors {
		im.report.Invalid = append(im.report.Invalid, RowError{Line: line, Value: shorten(cleanName(value), 80), Reason: reason})
	}
}

// leave records that a later row calls an address unsubscribed.
func (im *importer) leave(ctx context.Context, email string) error {
	for i := range im.batch {
		if publisher.EmailKey(im.batch[i].Email) == publisher.EmailKey(email) {
			im.batch[i].Status = publisher.Unsubscribed
			return nil
		}
	}
	if im.options.DryRun {
		return nil
	}
	token, err := newToken(im.service.rand)
	if err != nil {
		return err
	}
	_, _, _, err = im.service.store.UpsertSubscribers(ctx, im.options.List,
		[]NewSubscriber{{Email: email, Token: token, Since: im.now, Status: publisher.Unsubscribed}}, im.options.Consent, im.now)
	return err
}

// flush hands the batch to the store.
func (im *importer) flush(ctx context.Context) error {
	if len(im.batch) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return &publisher.Error{Kind: publisher.Busy, Op: "import readers", Where: im.options.Source, Err: err,
			Hint: "import the file again: what is in already stays as it is"}
	}
	var added, updated, kept int
	var err error
	if im.options.DryRun {
		added, updated, kept, err = im.service.foresee(ctx, im.options.List, im.batch)
	} else {
		added, updated, kept, err = im.service.store.UpsertSubscribers(ctx, im.options.List, im.batch, im.options.Consent, im.now)
	}
	if err != nil {
		return err
	}
	im.report.Added += added
	im.report.Updated += updated
	im.report.Kept += kept
	im.report.Unchanged += len(im.batch) - added - updated - kept
	im.batch = im.batch[:0]
	return nil
}

// foresee counts what UpsertSubscribers would do, by the rules stated there.
func (s *Service) foresee(ctx context.Context, list string, batch []NewSubscriber) (added, updated, kept int, err error) {
	for _, p := range batch {
		suppressed, err := s.store.Suppressed(ctx, p.Email)
		if err != nil {
			return 0, 0, 0, err
		}
		known, subscriptions, err := s.store.SubscriberByEmail(ctx, p.Email)
		if err != nil && publisher.KindOf(err) != publisher.NotFound {
			return 0, 0, 0, err
		}
		on, old := false, publisher.Unconfirmed
		for _, sub := range subscriptions {
			if sub.List == list {
				on, old = true, sub.Status
			}
		}
		switch {
		case suppressed && p.Status != publisher.Unsubscribed, on && old == publisher.Unsubscribed && p.Status != old:
			kept++
		case suppressed:
		case !on:
			added++
		case p.Name != "" && p.Name != known.Name, p.Language != "" && p.Language != known.Language,
			old == publisher.Unconfirmed && p.Status != old, old == publisher.Confirmed && p.Status == publisher.Unsubscribed:
			updated++
		}
	}
	return added, updated, kept, nil
}

// date reads the day a reader joined. "" is the zero time: now, for the store.
func date(cell string, now time.Time) (time.Time, error) {
	if cell == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04:05",
		"02/01/2006", "02/01/2006 15:04", "02/01/2006 15:04:05", "02.01.2006", "02-01-2006"} {
		at, err := time.Parse(layout, cell)
		if err != nil {
			continue
		}
		if at.After(now.Add(24*time.Hour)) || at.Year() < 1990 {
			return time.Time{}, errors.New("impossible date")
		}
		return at, nil
	}
	return time.Time{}, errors.New("unreadable date: write 2026-03-25 or 25/03/2026")
}

func badFile(o ImportOptions, what, hint string) error {
	return &publisher.Error{Kind: publisher.Invalid, Op: "import readers", Where: o.Source, Err: errors.New(what), Hint: hint}
}

func readError(o ImportOptions, err error) error {
	return &publisher.Error{Kind: publisher.Invalid, Op: "import readers", Where: o.Source, Err: fmt.Errorf("read: %w", err),
		Hint: "import the file again once it can be read: what is in already stays as it is"}
}
