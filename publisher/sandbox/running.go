package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const runningFile = "running.json"

// Info is what a client needs to know of a running sandbox.
type Info struct {
	Instance    string
	PID         int
	HTTPURL     string // the page, and below it the APIs
	SMTPAddr    string
	PublicURL   string // what the URLs of posts begin with
	Credentials Credentials
}

// BaseURL gives what a network's API stands under: "" for an unknown network.
func (i Info) BaseURL(network string) string {
	switch network {
	case Mastodon, Bluesky, X:
		return i.HTTPURL + "/" + network
	}
	return ""
}

// announcement is the running file, which only its owner reads.
type announcement struct {
	Instance    string          `json:"instance"`
	PID         int             `json:"pid"`
	HTTP        string          `json:"http"`
	SMTP        string          `json:"smtp"`
	PublicURL   string          `json:"public_url"`
	Credentials credentialsFile `json:"credentials"`
}

type health struct {
	Instance string `json:"instance"`
	OK       bool   `json:"ok"`
}

func announce(dir string, i Info, c credentialsFile) error {
	return writeFile(filepath.Join(dir, runningFile), announcement{i.Instance, i.PID, i.HTTPURL, i.SMTPAddr, i.PublicURL, c})
}

// Running finds a process that serves this folder for others (Config.Announce). It
// asks that process whether it is the one that wrote the file, so that the file of
// one that was killed misleads nobody.
func Running(dir string) (*Info, bool) {
	data, err := os.ReadFile(filepath.Join(dir, runningFile))
	if err != nil {
		return nil, false
	}
	var a announcement
	if json.Unmarshal(data, &a) != nil || a.Instance == "" {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.HTTP+"/sandbox/health", nil)
	if err != nil {
		return nil, false
	}
	// No proxy, no redirect, no connection kept: it is this machine or nothing.
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, false
	}
	defer resp.Body.Close()
	var h health
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, 1<<12)).Decode(&h) != nil || h.Instance != a.Instance {
		return nil, false
	}
	return &Info{a.Instance, a.PID, a.HTTP, a.SMTP, a.PublicURL, a.Credentials.open()}, true
}
