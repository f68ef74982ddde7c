package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A power cut is played by recording, with strace, every call by which a program
// changes files, and carrying the calls out again on a copy of what was there before:
// those that a flush made durable before the cut, and of the others what a disk may
// have got by then.

// recordedCalls are the calls that a recording holds. A call that changes a file and
// is not known to replay ends the test.
const recordedCalls = "open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,sync_file_range,msync,mmap," +
	"unlink,unlinkat,rename,renameat,renameat2,link,linkat,copy_file_range,sendfile"

// straced gives a command as one that strace records, with the files that it may
// change; each thread's calls go to a file of their own.
func straced(prefix string, files []string, command []string) []string {
	args := []string{"strace", "-ff", "--seccomp-bpf", "-qqq", "-y", "-xx", "-s", "1000000", "-e", "signal=none", "-o", prefix,
		"--absolute-timestamps=format:unix,precision:ns", "--syscall-times=ns", "-e", "trace=" + recordedCalls}
	for _, f := range files {
		args = append(args, "-P", f)
	}
	return append(args, command...)
}

// An act is one recorded call: what it did to which file, from when to when.
type act struct {
	from, to time.Duration // since 1970
	what     string        // make, empty, write, truncate, sync, remove
	file     string        // its name in the folder; "" is the folder itself
	at       int64         // of a write; the new size of a truncation
	data     []byte
}

// readActs reads a recording of what happened in a folder, in the order of its calls.
func readActs(prefix, folder string) ([]act, error) {
	files, err := filepath.Glob(prefix + ".*")
	if err != nil {
		return nil, err
	}
	var acts []act
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			found, err := readAct(lines.Text(), folder)
			if err != nil {
				return nil, fmt.Errorf("%w in %.200s", err, lines.Text())
			}
			acts = append(acts, found...)
		}
		if err := lines.Err(); err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(acts, func(a, b act) int { return int(a.from - b.from) })
	return acts, nil
}

// readAct reads a line such as
//
//	1795648452.279413368 pwrite64(3<\x2f\x74>, "\x61\x62", 2, 10) = 2 <0.000031657>
func readAct(line, folder string) ([]act, error) {
	began, rest, _ := strings.Cut(line, " ")
	call, rest, _ := strings.Cut(rest, "(")
	end := strings.LastIndex(rest, ") = ")
	if end < 0 {
		if strings.Contains(line, "exit") || strings.HasSuffix(line, "= ?") {
			return nil, nil // the end of a thread
		}
		return nil, fmt.Errorf("not a call")
	}
	args := strings.Split(rest[:end], ", ")
	result, took, _ := strings.Cut(rest[end+len(") = "):], " <")
	if open := strings.LastIndex(rest, " <"); open > end {
		took = strings.TrimSuffix(rest[open+2:], ">")
	}
	if strings.HasPrefix(result, "-1") {
		return nil, nil
	}
	var a act
	seconds, nanos, _ := strings.Cut(began, ".")
	from, err := strconv.ParseInt(seconds+nanos, 10, 64)
	if err != nil {
		return nil, err
	}
	a.from = time.Duration(from)
	lasted, err := time.ParseDuration(took + "s")
	if err != nil {
		return nil, err
	}
	a.to = a.from + lasted
	named := 0
	switch call {
	case "openat", "unlinkat":
		named = 1
	case "mmap":
		named = 4
	}
	path, err := unhex(args[named])
	if err != nil {
		return nil, err
	}
	if path != folder {
		inside, ok := strings.CutPrefix(path, folder+"/")
		if !ok {
			return nil, nil
		}
		a.file = inside
	}
	// The index of the write-ahead log is shared memory: after a start of the machine
	// SQLite makes it anew.
	if strings.HasSuffix(a.file, "-shm") {
		return nil, nil
	}
	switch call {
	case "open", "openat":
		var acts []act
		flags := args[named+1]
		if strings.Contains(flags, "O_CREAT") {
			a.what = "make"
			acts = append(acts, a)
		}
		if strings.Contains(flags, "O_TRUNC") {
			a.what = "empty"
			acts = append(acts, a)
		}
		return acts, nil
	case "pwrite64":
		a.what = "write"
		if a.at, err = strconv.ParseInt(args[3], 10, 64); err != nil {
			return nil, err
		}
		data, err := unhex(args[1])
		if err != nil {
			return nil, err
		}
		a.data = []byte(data)
		if written, _ := strconv.Atoi(result); written != len(a.data) {
			return nil, fmt.Errorf("a short write, or a cut recording")
		}
	case "ftruncate":
		a.what = "truncate"
		a.at, err = strconv.ParseInt(args[1], 10, 64)
	case "fsync", "fdatasync":
		a.what = "sync"
	case "unlink", "unlinkat":
		a.what = "remove"
	case "mmap":
		if strings.Contains(rest, "MAP_SHARED") && strings.Contains(rest, "PROT_WRITE") {
			err = fmt.Errorf("a file is written through memory")
		}
		return nil, err
	default:
		err = fmt.Errorf("the replay does not know %s", call)
	}
	return []act{a}, err
}

// unhex reads "\x61" or 3<\x61>.
func unhex(s string) (string, error) {
	if _, inside, ok := strings.Cut(s, "<"); ok {
		s = inside
	}
	s = strings.NewReplacer(`"`, "", ">", "", `\x`, "").Replace(s)
	raw, err := hex.DecodeString(s)
	return string(raw), err
}

const sector = 512

// A loss says what of the calls that no flush made durable is on the disk after a
// power cut: of each sector, and of the rest that is kept of a file, the version at a
// moment between its last flush and the cut.
type loss func(cut time.Duration, file string, place int64) time.Duration

// Everything not flushed is lost; or nothing is, as when only the process dies.
func allLost(time.Duration, string, int64) time.Duration          { return 0 }
func noneLost(cut time.Duration, _ string, _ int64) time.Duration { return cut }

// torn loses some sectors, keeps some, and of some keeps an older version: writes
// reach the disk in any order.
func torn(seed maphash.Seed, span time.Duration) loss {
	return func(cut time.Duration, file string, place int64) time.Duration {
		h := maphash.Comparable(seed, struct {
			cut   time.Duration
			file  string
			place int64
		}{cut, file, place})
		switch h % 3 {
		case 0:
			return 0
		case 1:
			return cut
		}
		return cut - time.Duration(h>>8)%span
	}
}

// powerCut writes into the folder to what of the acts is on the disk after a cut.
func powerCut(before string, acts []act, cut time.Duration, lost loss, to string) error {
	files := map[string][]byte{}
	entries, err := os.ReadDir(before)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(before, e.Name())); err != nil {
			return err
		}
	}
	// flushed gives when the last flush of a file began that ended before the cut: what
	// had ended by then is durable. The folder's own does it for names.
	flushed := map[string]time.Duration{}
	for _, a := range acts {
		if a.what == "sync" && a.to <= cut {
			flushed[a.file] = max(flushed[a.file], a.from)
		}
	}
	for _, a := range acts {
		if a.from > cut {
			break
		}
		durable := func(place int64) bool {
			return a.to <= flushed[a.file] || a.from <= lost(cut, a.file, place)
		}
		switch a.what {
		case "make":
			if _, there := files[a.file]; !there && (a.to <= flushed[""] || a.from <= lost(cut, a.file, -2)) {
				files[a.file] = []byte{}
			}
			continue
		case "remove":
			if a.to <= flushed[""] || a.from <= lost(cut, a.file, -2) {
				delete(files, a.file)
			}
			continue
		}
		data, there := files[a.file]
		if !there {
			continue // a file whose name was lost is lost
		}
		switch a.what {
		case "empty", "truncate":
			if durable(-1) {
				data = append(data, make([]byte, max(0, int(a.at)-len(data)))...)[:a.at]
			}
		case "write":
			for from := a.at; from < a.at+int64(len(a.data)); {
				to := min(a.at+int64(len(a.data)), (from/sector+1)*sector)
				if durable(from / sector) {
					data = append(data, make([]byte, max(0, int(to)-len(data)))...)
					copy(data[from:to], a.data[from-a.at:])
				}
				from = to
			}
		}
		files[a.file] = data
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
