package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"

	"crieur/publisher/app"
)

// A sent is what a sender says of itself.
type sent struct {
	Counts map[string]int `json:"counts"` // deliveries by state
	Peak   float64        `json:"peak"`   // resident memory in MB
}

// sendMain sends an article as `crieur send` does.
func sendMain(ctx context.Context, args []string) (err error) {
	f := flag.NewFlagSet("send", flag.ContinueOnError)
	dir := f.String("dir", "", "")
	profile := f.String("cpuprofile", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *profile != "" {
		out, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer out.Close()
		if err := pprof.StartCPUProfile(out); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	a, err := app.Open(app.Options{Config: filepath.Join(*dir, "config.yaml"), State: filepath.Join(*dir, "state"), Stdin: strings.NewReader("")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	r, err := a.Publish(ctx, filepath.Join(*dir, "article.md"), app.ArticleOptions{}, app.Selection{Kind: app.Mails}, app.PublishOptions{})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(sent{r.Counts, peak()})
}

// peak gives the most memory that this process has had, in MB. The kernel's figure
// for a finished child may be its parent's.
func peak() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kb, _ := strconv.ParseFloat(f[1], 64)
			return kb / 1024
		}
	}
	return 0
}

// check says what is wrong with a run; nothing may be.
func (r result) check(readers int) error {
	switch t := r.sink; {
	case r.sent.Counts != nil && (len(r.sent.Counts) != 1 || r.sent.Counts["accepted"] != readers):
		return fmt.Errorf("the ledger says %v, not %d accepted", r.sent.Counts, readers)
	case r.counted && (t.Messages != readers || t.Readers != readers || t.Twice+t.Astray+t.Unstuck+t.Problems > 0):
		return fmt.Errorf("the sink counted %+v, not one good message for each of %d readers", t, readers)
	}
	return nil
}
