package web

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"crieur/publisher"
)

// An IssueState is an issue with its deliveries by state.
type IssueState struct {
	ID         string          `json:"id"`
	Newsletter string          `json:"newsletter"` // "" for an article's posts
	Title      string          `json:"title"`
	Article    string          `json:"article,omitempty"` // "" for a digest
	Articles   []string        `json:"articles,omitempty"`
	Created    time.Time       `json:"created"`
	Counts     map[string]int  `json:"counts"`
	Deliveries []DeliveryState `json:"deliveries,omitempty"`
	Next       string          `json:"next,omitempty"` // cursor of the next page; "": this is the last
}

// A DeliveryState is one thing that was or is to be done once, and its receipt.
type DeliveryState struct {
	Key       string             `json:"key"`
	Channel   string             `json:"channel"`
	Network   string             `json:"network"`
	Recipient string             `json:"recipient,omitempty"` // mail: the reader's address
	Part      int                `json:"part,omitempty"`      // posts
	State     string             `json:"state"`
	Attempts  int                `json:"attempts"`
	After     *time.Time         `json:"after,omitempty"` // deferred: not before
	Receipt   *publisher.Receipt `json:"receipt,omitempty"`
	Problem   string             `json:"problem,omitempty"`
}

// A DeliveryPage says which of an issue's deliveries to give.
type DeliveryPage struct {
	States []publisher.State // empty: all
	Cursor string            // IssueState.Next of the page before; "": the first
	Limit  int
}

// QueueState is what waits.
type QueueState struct {
	Queue []WaitingState `json:"queue"`
	Stops []StopState    `json:"stops"`
}

// A WaitingState is what an issue still has to deliver on one channel.
type WaitingState struct {
	Issue      string         `json:"issue"`
	Title      string         `json:"title"`
	Newsletter string         `json:"newsletter"` // "" for an article's posts
	Channel    string         `json:"channel"`
	Network    string         `json:"network"`
	Left       int            `json:"left"`              // deliveries
	Release    *time.Time     `json:"release,omitempty"` // not before; none: at once
	Held       publisher.Hold `json:"held,omitempty"`
	Approvals  int            `json:"approvals,omitempty"`
	Needed     int            `json:"needed,omitempty"`
	Stopped    bool           `json:"stopped,omitempty"`
}

// A StopState is a stop that is in force.
type StopState struct {
	Issue   string    `json:"issue,omitempty"`   // "": of all issues
	Channel string    `json:"channel,omitempty"` // "": on all channels
	Who     string    `json:"who"`
	Since   time.Time `json:"since"`
}

func (a *api) issues(w http.ResponseWriter, r *http.Request, _ Token) error {
	limit, err := limitOf(r, 50, 200)
	if err != nil {
		return err
	}
	all, err := a.Books.Issues(r.Context(), limit)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]any{"issues": all})
}

func (a *api) issue(w http.ResponseWriter, r *http.Request, _ Token) error {
	limit, err := limitOf(r, 100, 1000)
	if err != nil {
		return err
	}
	p := DeliveryPage{Cursor: r.URL.Query().Get("cursor"), Limit: limit}
	for _, name := range r.URL.Query()["state"] {
		i := slices.IndexFunc(publisher.States(), func(s publisher.State) bool { return s.String() == name })
		if i < 0 {
			return &refusal{problem{Status: http.StatusBadRequest, Detail: "there is no state " + strconv.Quote(name), Where: "state", Hint: "there are: " + stateNames()}}
		}
		p.States = append(p.States, publisher.States()[i])
	}
	state, err := a.Books.Issue(r.Context(), r.PathValue("id"), p)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, state)
}

func stateNames() string {
	var names []string
	for _, s := range publisher.States() {
		names = append(names, s.String())
	}
	return strings.Join(names, ", ")
}

func limitOf(r *http.Request, usual, most int) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, &refusal{problem{Status: http.StatusBadRequest, Detail: "the limit is no number from 1 to " + strconv.Itoa(most), Where: "limit"}}
	}
	return n, nil
}

func (a *api) queue(w http.ResponseWriter, r *http.Request, _ Token) error {
	state, err := a.Books.Queue(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, state)
}

func (a *api) stop(w http.ResponseWriter, r *http.Request, t Token) error {
	var what struct {
		Issue   string `json:"issue"`
		Channel string `json:"channel"`
	}
	if err := perhaps(r, &what); err != nil {
		return err
	}
	stop, err := a.Brake.Stop(r.Context(), what.Issue, what.Channel, "api:"+t.Name)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, stop)
}

func (a *api) resume(w http.ResponseWriter, r *http.Request, _ Token) error {
	var what struct {
		Channel string `json:"channel"`
	}
	if err := perhaps(r, &what); err != nil {
		return err
	}
	n, err := a.Brake.Resume(r.Context(), what.Channel)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]int{"lifted": n})
}

// perhaps is take for a body that may be left out.
func perhaps(r *http.Request, into any) error {
	if r.ContentLength == 0 {
		return nil
	}
	if r.ContentLength < 0 {
		var first [1]byte
		n, err := r.Body.Read(first[:])
		if n == 0 && err == io.EOF {
			return nil
		}
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(string(first[:n])), r.Body))
	}
	return take(r, into)
}
