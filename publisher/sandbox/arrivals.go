package sandbox

import (
	"encoding/json"
	"sync"
	"time"
	"unique"

	"crieur/publisher/sandbox/journal"
)

// A Mail is one message that the SMTP server accepted; its bytes stay on disk.
type Mail struct {
	ID        int64        `json:"id"`
	From      string       `json:"from"` // of the envelope
	To        []string     `json:"to"`   // of the envelope
	MessageID string       `json:"message_id"`
	Subject   string       `json:"subject"`
	Sender    string       `json:"sender"` // the From header, decoded
	List      string       `json:"list,omitempty"`
	At        time.Time    `json:"at"`
	Raw       journal.Span `json:"raw"`
	// Duplicate is the ID of the first mail with the same Message-ID; 0: this is it.
	Duplicate int64 `json:"duplicate,omitempty"`
}

// A Post is one post as its network keeps it.
type Post struct {
	Seq        int64           `json:"seq"`
	Network    string          `json:"network"`
	ID         string          `json:"id"` // status ID, record key or tweet ID
	URI        string          `json:"uri,omitempty"`
	CID        string          `json:"cid,omitempty"`
	URL        string          `json:"url"`
	Key        string          `json:"key,omitempty"` // Idempotency-Key
	At         time.Time       `json:"at"`
	Text       string          `json:"text"`
	Length     int             `json:"length"`
	Limit      int             `json:"limit"`
	Language   string          `json:"language,omitempty"`
	Visibility string          `json:"visibility,omitempty"`
	Warning    string          `json:"warning,omitempty"`
	ReplyTo    string          `json:"reply_to,omitempty"` // ID of the post that it answers
	Media      []Media         `json:"media,omitempty"`
	Card       *Card           `json:"card,omitempty"`
	Links      []Link          `json:"links,omitempty"`
	Edited     time.Time       `json:"edited,omitzero"` // when its words were last changed
	Gone       time.Time       `json:"gone,omitzero"`   // when it was deleted
	Raw        json.RawMessage `json:"raw"`             // the request, as it was understood
}

// Media is a picture that a network holds.
type Media struct {
	Network  string       `json:"network"`
	ID       string       `json:"id"` // media ID, or a blob's CID
	Type     string       `json:"type"`
	Alt      string       `json:"alt"`
	Width    int          `json:"width"`
	Height   int          `json:"height"`
	At       time.Time    `json:"at"`
	Raw      journal.Span `json:"raw"`
	Attached string       `json:"attached,omitempty"` // Mastodon: the status that has it
}

// A Card is a link's preview as a post carries it.
type Card struct {
	URL         string `json:"url"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Thumb       *Media `json:"thumb,omitempty"`
}

// A Link is a byte range of a post's text that leads somewhere.
type Link struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	URL   string `json:"url"`
}

// event is a record of the journal: exactly one of its fields is set.
type event struct {
	Mail  *Mail  `json:"mail,omitempty"`
	Post  *Post  `json:"post,omitempty"`
	Media *Media `json:"media,omitempty"`
}

// arrivals is all that arrived: an index in memory over the journal. Of a mail the
// index holds some hundred bytes, whatever its size. Safe for concurrent use.
type arrivals struct {
	journal *journal.Journal

	// gate keeps an emptying out while bytes are stored whose record is not yet written.
	gate sync.RWMutex

	mu        sync.RWMutex
	mails     []*Mail // by ID; IDs grow
	firstWith map[string]int64
	posts     []*Post // by Seq, the newest version of each
	postAt    map[string]int
	media     map[string]*Media
	lastMail  int64
	lastPost  int64
}

func openArrivals(dir string) (*arrivals, error) {
	a := new(arrivals)
	a.clear()
	j, err := journal.Open(dir, func(record []byte) error {
		var e event
		if err := json.Unmarshal(record, &e); err != nil {
			return err
		}
		a.apply(e)
		return nil
	})
	a.journal = j
	return a, err
}

func (a *arrivals) clear() {
	a.mails, a.posts = nil, nil
	a.firstWith, a.postAt, a.media = map[string]int64{}, map[string]int{}, map[string]*Media{}
}

// apply takes an event into the index. The caller holds mu, or is alone.
func (a *arrivals) apply(e event) {
	switch {
	case e.Mail != nil:
		m := e.Mail
		a.lastMail = max(a.lastMail, m.ID)
		// One issue's mails share these; 40,000 of them share one copy.
		m.From, m.Subject = unique.Make(m.From).Value(), unique.Make(m.Subject).Value()
		m.Sender, m.List = unique.Make(m.Sender).Value(), unique.Make(m.List).Value()
		a.mails = append(a.mails, m)
		if m.Duplicate == 0 {
			a.firstWith[m.MessageID] = m.ID
		}
	case e.Post != nil:
		p := e.Post
		a.lastPost = max(a.lastPost, p.Seq)
		key := p.Network + " " + p.ID
		if i, ok := a.postAt[key]; ok {
			a.posts[i] = p
			return
		}
		a.postAt[key] = len(a.posts)
		a.posts = append(a.posts, p)
	case e.Media != nil:
		a.media[e.Media.Network+" "+e.Media.ID] = e.Media
	}
}

func (a *arrivals) add(e event) error {
	if err := a.journal.Append(e); err != nil {
		return err
	}
	a.apply(e)
	return nil
}

// addMail keeps a mail: on return without error it survives the process.
func (a *arrivals) addMail(m Mail, raw []byte) error {
	a.gate.RLock()
	defer a.gate.RUnlock()
	span, err := a.journal.Store(raw)
	if err != nil {
		return err
	}
	m.Raw = span
	a.mu.Lock()
	defer a.mu.Unlock()
	m.ID = a.lastMail + 1
	m.Duplicate = a.firstWith[m.MessageID]
	return a.add(event{Mail: &m})
}

// putPost keeps a post, or the newer version of one.
func (a *arrivals) putPost(p Post) (Post, error) {
	a.gate.RLock()
	defer a.gate.RUnlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if i, ok := a.postAt[p.Network+" "+p.ID]; ok {
		p.Seq = a.posts[i].Seq
	} else {
		p.Seq = a.lastPost + 1
	}
	err := a.add(event{Post: &p})
	return p, err
}

// addMedia keeps a picture with its bytes.
func (a *arrivals) addMedia(m Media, raw []byte) (Media, error) {
	a.gate.RLock()
	defer a.gate.RUnlock()
	span, err := a.journal.Store(raw)
	if err != nil {
		return m, err
	}
	m.Raw = span
	a.mu.Lock()
	defer a.mu.Unlock()
	err = a.add(event{Media: &m})
	return m, err
}

// putMedia keeps the newer version of a picture's description.
func (a *arrivals) putMedia(m Media) error {
	a.gate.RLock()
	defer a.gate.RUnlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.add(event{Media: &m})
}

// empty forgets everything.
func (a *arrivals) empty() error {
	a.gate.Lock()
	defer a.gate.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.journal.Reset(); err != nil {
		return err
	}
	a.clear()
	return nil
}

// mail gives the mail with an ID.
func (a *arrivals) mail(id int64) (Mail, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	lo, hi := 0, len(a.mails)
	for lo < hi {
		if mid := (lo + hi) / 2; a.mails[mid].ID < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(a.mails) || a.mails[lo].ID != id {
		return Mail{}, false
	}
	return *a.mails[lo], true
}

// allMails gives the index as it is now; its mails are not changed any more.
func (a *arrivals) allMails() []*Mail {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.mails[:len(a.mails):len(a.mails)]
}

// allPosts gives a copy of the posts of one network ("" for all), oldest first,
// deleted ones included.
func (a *arrivals) allPosts(network string) []*Post {
	a.mu.RLock()
	defer a.mu.RUnlock()
	var out []*Post
	for _, p := range a.posts {
		if network == "" || p.Network == network {
			out = append(out, p)
		}
	}
	return out
}

// post gives a post, also a deleted one.
func (a *arrivals) post(network, id string) (Post, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	i, ok := a.postAt[network+" "+id]
	if !ok {
		return Post{}, false
	}
	return *a.posts[i], true
}

func (a *arrivals) picture(network, id string) (Media, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	m, ok := a.media[network+" "+id]
	if !ok {
		return Media{}, false
	}
	return *m, true
}
