package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"crieur/publisher"
)

// A logbook is a file in which the one process that dispatches notes how far it has
// come with each mail that it was granted: without a flush, so that it costs next to
// nothing. What is written survives the process, killed as it may be, and not the
// machine. A later process therefore believes it only if the machine has not been
// started again since, and of a mail that is not in it, it believes nothing: that one
// stays in doubt, as all leased mails do without a logbook.
//
// So the notes never make anyone lose a mail or get it twice. They only keep the
// doubt after a crash to the mails that were on the wire, however many were granted.
type logbook struct {
	file *os.File

	mu    sync.Mutex
	place map[row]int
	free  []int
}

type row struct{ lot, id int64 }

const (
	logName   = "logbook"
	noteSize  = 128 // a page holds a whole number of them, so that no kill leaves half of one
	noteReply = noteSize - 33
)

// How far a mail has come.
const (
	noteGranted  = 1 + iota // perhaps leased, not begun
	noteBegun               // perhaps accepted
	noteAccepted            // by the server
	noteRefused             // surely not accepted
)

// A note is what stands in a place of the logbook.
type note struct {
	how     byte
	attempt int
	at      time.Time
	reply   string
}

// KeepLog begins the logbook anew, with room for so many mails granted at a time. It
// reports false where there can be none: on PostgreSQL, which many machines share, and
// where it cannot be told whether the machine was started again. It is for who has
// the exclusive right to dispatch, and ends with it.
func (l *Ledger) KeepLog(places int) (bool, error) {
	head, ok := l.logHead()
	if !ok {
		return false, nil
	}
	// A commit asks for new places before it gives old ones back.
	places = 2*places + 1
	b := &logbook{place: make(map[row]int, places), free: make([]int, 0, places)}
	for i := places; i >= 1; i-- {
		b.free = append(b.free, i)
	}
	var err error
	b.file, err = os.OpenFile(l.logFile(), os.O_RDWR|os.O_CREATE|os.O_TRUNC, stateFile)
	if err != nil {
		return false, l.fail("begin the logbook", err)
	}
	page := make([]byte, (places+1)*noteSize)
	copy(page, head)
	if _, err := b.file.WriteAt(page, 0); err != nil {
		return false, l.fail("begin the logbook", errors.Join(err, b.file.Close()))
	}
	l.log.Store(b)
	return true, nil
}

func (l *Ledger) logFile() string { return filepath.Join(l.dir, logName) }

// logHead names the store and the machine's present run.
func (l *Ledger) logHead() (head string, ok bool) {
	if l.engine == postgres {
		return "", false
	}
	boot, ok := bootID()
	head = fmt.Sprintf("crieur logbook 1\n%s\n%s\n", l.id, boot)
	return head, ok && len(head) <= noteSize
}

// closeLog ends the logbook. One without a mail under way is of no use to anyone.
func (l *Ledger) closeLog() error {
	b := l.log.Swap(nil)
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.file.Close()
	if len(b.place) == 0 {
		err = errors.Join(err, os.Remove(l.logFile()))
	}
	return err
}

// LogBegin notes that a granted mail goes on the wire now. It is to be called before.
func (l *Ledger) LogBegin(c publisher.Claim) error {
	return l.logNote(row{c.Lot, c.ID}, note{how: noteBegun, attempt: c.Attempt})
}

// LogEnd notes how a mail ended, for the time until Commit has it.
func (l *Ledger) LogEnd(o publisher.Outcome) error {
	n := note{attempt: o.Attempt, at: o.Ended}
	switch o.State {
	case publisher.StateAccepted:
		n.how, n.reply = noteAccepted, storable(o.Receipt.Reply)
	case publisher.StateUnknown:
		return nil
	default:
		n.how = noteRefused
	}
	return l.logNote(row{o.Lot, o.ID}, n)
}

func (l *Ledger) logNote(r row, n note) error {
	b := l.log.Load()
	if b == nil {
		return nil
	}
	b.mu.Lock()
	place, ok := b.place[r]
	b.mu.Unlock()
	if !ok {
		return nil
	}
	var buf [noteSize]byte
	if _, err := b.file.WriteAt(buf[:n.encode(&buf, r)], int64(place)*noteSize); err != nil {
		return l.fail("write the logbook", err)
	}
	return nil
}

// encode gives how much of the buffer says something new.
func (n note) encode(buf *[noteSize]byte, r row) int {
	buf[0] = n.how
	binary.LittleEndian.PutUint32(buf[4:], uint32(n.attempt))
	binary.LittleEndian.PutUint64(buf[8:], uint64(r.lot))
	binary.LittleEndian.PutUint64(buf[16:], uint64(r.id))
	binary.LittleEndian.PutUint64(buf[24:], uint64(millis(n.at)))
	size := copy(buf[33:], n.reply)
	buf[32] = byte(size)
	return 33 + size
}

func decodeNote(buf []byte) (r row, n note) {
	r = row{int64(binary.LittleEndian.Uint64(buf[8:])), int64(binary.LittleEndian.Uint64(buf[16:]))}
	n = note{how: buf[0], attempt: int(binary.LittleEndian.Uint32(buf[4:])), at: moment(int64(binary.LittleEndian.Uint64(buf[24:])))}
	n.reply = storable(string(buf[33 : 33+min(int(buf[32]), noteReply)]))
	return r, n
}

// wanted notes mails that a commit may grant, before it does. An attempt's number is
// what tells the note of this grant from that of any other, so a mail that is wanted
// without one goes without.
func (b *logbook) wanted(wants []publisher.Claim) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range wants {
		r := row{w.Lot, w.ID}
		place, ok := b.place[r]
		if w.Attempt == 0 || !ok && len(b.free) == 0 {
			continue
		}
		if !ok {
			place, b.free = b.free[len(b.free)-1], b.free[:len(b.free)-1]
			b.place[r] = place
		}
		var buf [noteSize]byte
		if _, err := b.file.WriteAt(buf[:note{how: noteGranted, attempt: w.Attempt}.encode(&buf, r)], int64(place)*noteSize); err != nil {
			return err
		}
	}
	return nil
}

// committed gives up the places of what was settled, and of what was wanted and not
// granted. The notes stay until others take their place: they name attempts that no
// delivery stands at any more.
func (b *logbook) committed(outcomes []publisher.Outcome, wants, granted []publisher.Claim) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range outcomes {
		b.release(row{o.Lot, o.ID})
	}
	if len(wants) == len(granted) {
		return
	}
	got := make(map[row]bool, len(granted))
	for _, g := range granted {
		got[row{g.Lot, g.ID}] = true
	}
	for _, w := range wants {
		if r := (row{w.Lot, w.ID}); !got[r] {
			b.release(r)
		}
	}
}

func (b *logbook) release(r row) {
	if place, ok := b.place[r]; ok {
		delete(b.place, r)
		b.free = append(b.free, place)
	}
}

// readLog gives what a dead process noted, as far as it can be believed.
func (l *Ledger) readLog() (map[row]note, error) {
	head, ok := l.logHead()
	if !ok {
		return nil, nil
	}
	data, err := os.ReadFile(l.logFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(data) < noteSize || string(data[:len(head)]) != head {
		return nil, nil
	}
	notes := map[row]note{}
	for at := noteSize; at+noteSize <= len(data); at += noteSize {
		// Two notes of the same attempt cannot be: a place is kept until the attempt is settled.
		if r, n := decodeNote(data[at:]); n.how != 0 && (notes[r].how == 0 || n.attempt > notes[r].attempt) {
			notes[r] = n
		}
	}
	return notes, nil
}
