package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rivo/uniseg"
	"golang.org/x/term"

	"crieur/publisher"
	"crieur/publisher/app"
)

// emit prints v as one indented JSON value.
func (s *session) emit(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// tell prints a line that a quiet run leaves out.
func (s *session) tell(format string, args ...any) {
	if !s.quiet && !s.json() {
		fmt.Fprintf(s.out, format+"\n", args...)
	}
}

// warn prints a warning on standard error; JSON carries it in its own field.
func (s *session) warn(lines []string) {
	if s.json() {
		return
	}
	for _, l := range lines {
		fmt.Fprintln(s.err, "crieur: warning: "+l)
	}
}

// mostRows is how many deliveries a table lists by itself; -v and -o json list all.
const mostRows = 40

// printResult shows what a run of publish, send, post or retry came to.
func (s *session) printResult(r *app.Result) error {
	if s.json() {
		return s.emit(r)
	}
	if r.NothingToDo {
		what := "was published before"
		if r.Counts[publisher.StateAccepted.String()] == 0 && r.Counts[publisher.StateCancelled.String()] > 0 {
			what = "was called off; a new --id makes it a new article"
		}
		s.tell("nothing to do: %s %s (%s)", quoted(r.Article.Title), what, counts(r.Counts))
		if r.Changed {
			s.tell("its text has changed since; what went out stays as it was, and a new --id makes it a new article")
		}
		s.tell("crieur status lists the receipts")
		return nil
	}
	s.warn(r.Warnings)
	if !s.quiet {
		s.deliveries(r.Deliveries, r.Omitted)
	}
	if r.Article != nil {
		s.tell("%s: %s", quoted(r.Article.Title), counts(r.Counts))
	} else {
		s.tell("%s", counts(r.Counts))
	}
	if r.Next != nil {
		s.tell("what is deferred is due again from %s on:\nrun the same command then, or crieur retry at once", r.Next.Format("2006-01-02 15:04"))
	}
	for _, w := range r.Warmup {
		s.warmup(w)
	}
	others := r.Waiting
	for _, w := range r.Warmup {
		others -= w.Left
	}
	if others > 0 {
		text := fmt.Sprintf("%d wait", others)
		if r.Release != nil {
			text += ", the first until " + r.Release.Format("2006-01-02 15:04 -07:00")
		}
		s.tell("%s\ncrieur queue lists it, and crieur serve or crieur run --once sends it then", text)
	}
	if r.Cost > 0 && r.Counts[publisher.StateAccepted.String()] > 0 {
		s.tell("cost of the posts: at most $%.3f", r.Cost)
	}
	if r.Unknown > 0 {
		fmt.Fprintf(s.err, "crieur: %d perhaps done: look there before you send again\ncrieur retry --unknown sends them again\n", r.Unknown)
	}
	if r.See != "" {
		s.tell("see what arrived: %s", r.See)
	}
	return nil
}

// warmup says what a sender that warms up keeps for other days.
func (s *session) warmup(w app.WarmupView) {
	s.tell("%s warms up: today's %d are out, %d left for another day", w.Domain, w.Sent, w.Left)
	next := w.Next.Format("2006-01-02 15:04")
	if w.Most > 0 && w.Most < w.Left {
		s.tell("from %s on %d more may go out, the last of all on %s at best", next, w.Most, w.Done.Format("2006-01-02"))
	} else {
		s.tell("from %s on they may all go out", next)
	}
	s.tell("crieur serve sends them by itself; without it, crieur retry does")
}

// deliveries prints the table of receipts: all that did not go well, and of the
// others, which went well or only wait, a screenful. Of omitted more nothing is known.
func (s *session) deliveries(all []app.DeliveryView, omitted int) {
	shown := all
	if len(all) > mostRows && !s.verbose {
		shown = nil
		good := 0
		for _, d := range all {
			if d.State != publisher.StateAccepted && d.State != publisher.StatePlanned {
				shown = append(shown, d)
			} else if good < mostRows/2 {
				shown, good = append(shown, d), good+1
			}
		}
		shown = shown[:min(len(shown), 2*mostRows)]
	}
	rows := make([][]string, 0, len(shown))
	for _, d := range shown {
		what := d.Receipt.URL
		if what == "" {
			what = d.Receipt.ID
		}
		if d.State != publisher.StateAccepted {
			what = d.Problem
		}
		if wait := waits(d); wait != "" {
			what = wait
		}
		rows = append(rows, []string{d.Channel, d.To(), s.stateWord(d.State), what})
	}
	if len(rows) > 0 {
		table(s.out, s.columns(), []string{"CHANNEL", "TO", "STATE", "RECEIPT"}, rows)
	}
	if n := len(all) - len(shown) + omitted; n > 0 {
		s.tell("… and %d more; crieur status ISSUE lists them", n)
	}
}

// waits says what a delivery waits for; "" where it does not.
func waits(d app.DeliveryView) string {
	switch {
	case d.Held != "":
		return "held: " + string(d.Held)
	case d.Release != nil:
		return "at " + d.Release.Format("2006-01-02 15:04 -07:00")
	}
	return ""
}

// stateWord gives a state as a word, coloured on a terminal; the word is enough
// without its colour.
func (s *session) stateWord(st publisher.State) string {
	if !s.colour() {
		return st.String()
	}
	code := "33" // yellow: not over
	switch st {
	case publisher.StateAccepted:
		code = "32"
	case publisher.StateFailed, publisher.StateBounced, publisher.StateUnknown:
		code = "31"
	}
	return "\x1b[" + code + "m" + st.String() + "\x1b[0m"
}

// counts gives "3 accepted, 1 failed", in the order of the states.
func counts(c map[string]int) string {
	var parts []string
	for _, st := range publisher.States() {
		if n := c[st.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, st))
		}
	}
	if len(parts) == 0 {
		return "no deliveries"
	}
	return strings.Join(parts, ", ")
}

func quoted(title string) string { return "“" + cut(title, 48) + "”" }

// titles prints a table whose last column is a text that may be cut: to the
// terminal's width, and not at all elsewhere.
func (s *session) titles(head []string, rows [][]string) {
	columns := s.columns()
	if columns > 0 {
		last := len(head) - 1
		room := columns
		for i := range last {
			w := width(head[i])
			for _, r := range rows {
				w = max(w, width(r[i]))
			}
			room -= w + 2
		}
		if room < 24 { // it stands on a line of its own
			room = columns - 2
		}
		for _, r := range rows {
			r[last] = cut(r[last], max(room, 12))
		}
	}
	table(s.out, columns, head, rows)
}

// fold breaks a text into lines of so many columns (0: any) between words; all but
// the first are indented. A word that is longer stays whole, as an address has to.
func fold(text string, columns, indent int) string {
	if columns == 0 || width(text) <= columns {
		return text
	}
	var lines []string
	line := ""
	for _, word := range strings.SplitAfter(text, " ") {
		if strings.TrimSpace(line) != "" && width(line)+width(strings.TrimRight(word, " ")) > columns {
			lines, line = append(lines, strings.TrimRight(line, " ")), strings.Repeat(" ", indent)
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

// columns is the terminal's width; 0 where the output is no terminal.
func (s *session) columns() int {
	f, ok := s.out.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// cut shortens a text to so many columns of a terminal.
func cut(text string, columns int) string {
	if uniseg.StringWidth(text) <= columns {
		return text
	}
	var b strings.Builder
	w := 0
	for g := uniseg.NewGraphemes(text); g.Next() && w+g.Width() < columns; w += g.Width() {
		b.WriteString(g.Str())
	}
	return strings.TrimSpace(b.String()) + "…"
}

// table prints aligned columns two spaces apart, without boxes. The last column is
// not padded; where it does not fit into the given width (0: any) it stands on a
// line of its own, so that an address in it stays whole.
func table(w io.Writer, columns int, head []string, rows [][]string) {
	widths := make([]int, len(head))
	for _, r := range append([][]string{head}, rows...) {
		for i, cell := range r {
			widths[i] = max(widths[i], width(cell))
		}
	}
	before := 0
	for _, w := range widths[:len(widths)-1] {
		before += w + 2
	}
	for _, r := range append([][]string{head}, rows...) {
		var b strings.Builder
		for i, cell := range r {
			if i == len(r)-1 && columns > 0 && before+width(cell) > columns {
				fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
				b.Reset()
				b.WriteString("  ")
			}
			b.WriteString(cell)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-width(cell)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// width is what a cell takes on a terminal, escape sequences apart.
func width(s string) int {
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return uniseg.StringWidth(s)
		}
		j := strings.IndexByte(s[i:], 'm')
		if j < 0 {
			return uniseg.StringWidth(s)
		}
		s = s[:i] + s[i+j+1:]
	}
}
