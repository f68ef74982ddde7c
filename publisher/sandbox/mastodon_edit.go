package sandbox

import "net/http"

// edit changes a status: methods/statuses#edit. Visibility and what it answers cannot
// be changed, and a picture that the request does not name is taken off it.
func (m *mastodon) edit(w http.ResponseWriter, r *http.Request) {
	in, problem := readMastodonStatus(r)
	if problem == "" && (in.Visibility != "" || in.InReplyToID != "") {
		problem = "visibility and in_reply_to_id cannot be edited"
	}
	if problem != "" {
		m.fail(w, http.StatusUnprocessableEntity, "Validation failed: "+problem)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.s.arrivals.post(Mastodon, r.PathValue("id"))
	if !ok || !old.Gone.IsZero() {
		m.fail(w, http.StatusNotFound, "Record not found")
		return
	}
	var kept []Media
	named := in.MediaIDs
	in.MediaIDs = nil
	for _, id := range named {
		if media, ok := m.s.arrivals.picture(Mastodon, id); ok && media.Attached == old.ID {
			kept = append(kept, media)
		} else {
			in.MediaIDs = append(in.MediaIDs, id) // a new one, which compose looks at
		}
	}
	p, status, problem := m.compose(in)
	if problem != "" {
		m.fail(w, status, problem)
		return
	}
	for i := range p.Media {
		p.Media[i].Attached = old.ID
		if err := m.s.arrivals.putMedia(p.Media[i]); err != nil {
			m.fail(w, http.StatusInternalServerError, err.Error())
			return
		}
	}
	p.Media = append(kept, p.Media...)
	if len(p.Media) > mastodonMedia {
		m.fail(w, http.StatusUnprocessableEntity, "Cannot attach more than 4 files")
		return
	}
	p.Network, p.ID, p.URI, p.URL, p.Key, p.At = Mastodon, old.ID, old.URI, old.URL, old.Key, old.At
	p.Visibility, p.ReplyTo, p.Edited = old.Visibility, old.ReplyTo, m.s.cfg.Now()
	p, err := m.s.arrivals.putPost(p)
	if err != nil {
		m.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, m.entity(&p))
}
