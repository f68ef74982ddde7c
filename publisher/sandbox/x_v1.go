package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// number gives an id as a JSON number, digits kept.
func number(id string) json.Number { return json.Number(id) }

// form reads a v1.1 form and refuses parameters that this sandbox does not know.
func (a *x) form(w http.ResponseWriter, r *http.Request, known ...string) bool {
	err := r.ParseForm()
	for name := range r.Form {
		if err == nil && !slices.Contains(known, name) {
			err = fmt.Errorf("unknown parameter %q", name)
		}
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, errorsV1(214, err.Error()))
		return false
	}
	return true
}

func (a *x) updateV1(w http.ResponseWriter, r *http.Request) {
	if !a.form(w, r, "status", "media_ids", "in_reply_to_status_id", "auto_populate_reply_metadata", "possibly_sensitive", "trim_user", "tweet_mode") {
		return
	}
	var media []string
	if v := r.Form.Get("media_ids"); v != "" {
		media = strings.Split(v, ",")
	}
	raw, _ := json.Marshal(r.Form)
	p, no := a.publish(r.Form.Get("status"), media, r.Form.Get("in_reply_to_status_id"), raw)
	if no != nil {
		message := map[int]string{170: "Missing required parameter: status.", 186: "Tweet needs to be a bit shorter.", 187: "Status is a duplicate."}[no.code]
		if message == "" {
			message = no.detail
		}
		status := no.status
		if no.code == 170 {
			status = http.StatusForbidden
		}
		writeJSON(w, status, errorsV1(no.code, message))
		return
	}
	writeJSON(w, http.StatusOK, a.entityV1(&p, r.Form.Get("tweet_mode") == "extended"))
}

func (a *x) destroyV1(w http.ResponseWriter, r *http.Request) {
	id, ok := strings.CutSuffix(r.PathValue("name"), ".json")
	p, exists := a.tweet(id)
	if !ok || !exists || !a.drop(id) {
		writeJSON(w, http.StatusNotFound, errorsV1(144, "No status found with that ID."))
		return
	}
	writeJSON(w, http.StatusOK, a.entityV1(&p, false))
}

func (a *x) timelineV1(w http.ResponseWriter, r *http.Request) {
	if !a.form(w, r, "user_id", "screen_name", "count", "since_id", "max_id", "trim_user", "exclude_replies", "include_rts", "tweet_mode") {
		return
	}
	count := 20
	if v := r.Form.Get("count"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			writeJSON(w, http.StatusBadRequest, errorsV1(214, "count is no number"))
			return
		}
		count = min(n, 200)
	}
	if id := r.Form.Get("user_id"); id != "" && id != xUserID || !strings.EqualFold(r.Form.Get("screen_name"), xScreenName) && r.Form.Get("screen_name") != "" {
		writeJSON(w, http.StatusNotFound, errorsV1(34, "Sorry, that page does not exist."))
		return
	}
	above, _ := strconv.ParseInt(r.Form.Get("since_id"), 10, 64)
	upto, err := strconv.ParseInt(r.Form.Get("max_id"), 10, 64)
	if err != nil {
		upto = 1 << 62
	}
	out := []any{}
	for _, p := range slices.Backward(a.s.arrivals.allPosts(X)) {
		id, _ := strconv.ParseInt(p.ID, 10, 64)
		if !p.Gone.IsZero() || id <= above || id > upto || r.Form.Get("exclude_replies") == "true" && p.ReplyTo != "" {
			continue
		}
		if out = append(out, a.entityV1(p, r.Form.Get("tweet_mode") == "extended")); len(out) == count {
			break
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func (a *x) verifyV1(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, a.userV1()) }
