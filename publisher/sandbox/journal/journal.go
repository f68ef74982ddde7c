// Package journal keeps records and byte strings in two files of a folder, so that
// a process killed at any moment loses nothing that it had acknowledged and leaves
// nothing half-written behind. It does not lock the folder, and it does not sync:
// it is safe from the end of the process, not from the loss of power.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// A Span is where a byte string stands in the blob file.
type Span struct {
	Offset int64 `json:"offset"`
	Size   int64 `json:"size"`
}

// A Journal is an append-only list of records with the byte strings that they
// refer to. Safe for concurrent use; see Reset for its one condition.
type Journal struct {
	records, blobs *os.File

	mu      sync.Mutex
	end     int64 // of the last whole record
	blobEnd int64
}

var table = crc32.MakeTable(crc32.Castagnoli)

// Open opens or makes the journal in dir and gives each record to replay, oldest
// first. A record that a kill tore in two is cut off. replay must not keep its
// argument.
func Open(dir string, replay func(record []byte) error) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	records, err := os.OpenFile(filepath.Join(dir, "journal"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	blobs, err := os.OpenFile(filepath.Join(dir, "blobs"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		records.Close()
		return nil, err
	}
	j := &Journal{records: records, blobs: blobs}
	if err := j.load(replay); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func (j *Journal) load(replay func([]byte) error) error {
	info, err := j.blobs.Stat()
	if err != nil {
		return err
	}
	j.blobEnd = info.Size()
	r := bufio.NewReaderSize(j.records, 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		record, ok := open(line)
		if !ok {
			break
		}
		if err := replay(record); err != nil {
			return fmt.Errorf("record at byte %d: %w", j.end, err)
		}
		j.end += int64(len(line))
	}
	return j.records.Truncate(j.end)
}

// Append adds one record as JSON. When it returns nil the record survives the
// end of the process.
func (j *Journal) Append(record any) error {
	data, err := json.Marshal(record)
	if err != nil {
		return err
	}
	line := seal(data)
	j.mu.Lock()
	defer j.mu.Unlock()
	// Written at a known place rather than at the file's end: what a full disk left
	// of an earlier record is overwritten, not continued.
	if _, err := j.records.WriteAt(line, j.end); err != nil {
		return err
	}
	j.end += int64(len(line))
	return nil
}

// Store keeps data and says where. A record that names the span is appended
// afterwards, so that no record ever points at bytes that are not there.
func (j *Journal) Store(data []byte) (Span, error) {
	j.mu.Lock()
	at := Span{Offset: j.blobEnd, Size: int64(len(data))}
	j.blobEnd += at.Size
	j.mu.Unlock()
	_, err := j.blobs.WriteAt(data, at.Offset)
	return at, err
}

// Read gives the bytes of a span.
func (j *Journal) Read(at Span) ([]byte, error) {
	if !j.Holds(at) {
		return nil, fmt.Errorf("span %d+%d: %w", at.Offset, at.Size, io.ErrUnexpectedEOF)
	}
	data := make([]byte, at.Size)
	_, err := j.blobs.ReadAt(data, at.Offset)
	if err == io.EOF && at.Size == 0 {
		err = nil
	}
	return data, err
}

// Holds reports whether a span lies inside the blob file.
func (j *Journal) Holds(at Span) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return at.Offset >= 0 && at.Size >= 0 && at.Offset <= j.blobEnd-at.Size
}

// Reset forgets everything. The caller sees to it that no Store waits for its
// Append meanwhile.
func (j *Journal) Reset() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	// Records first: a kill in between leaves blobs without records, never the reverse.
	if err := j.records.Truncate(0); err != nil {
		return err
	}
	j.end = 0
	if err := j.blobs.Truncate(0); err != nil {
		return err
	}
	j.blobEnd = 0
	return nil
}

// Close closes both files.
func (j *Journal) Close() error { return errors.Join(j.records.Close(), j.blobs.Close()) }

// seal gives a record its line: eight hex digits of checksum, a space, the JSON
// (which holds no newline), a newline.
func seal(data []byte) []byte {
	line := make([]byte, 0, len(data)+10)
	line = fmt.Appendf(line, "%08x ", crc32.Checksum(data, table))
	line = append(line, data...)
	return append(line, '\n')
}

func open(line []byte) (record []byte, ok bool) {
	line, ok = bytes.CutSuffix(line, []byte{'\n'})
	if !ok || len(line) < 9 || line[8] != ' ' {
		return nil, false
	}
	sum, err := strconv.ParseUint(string(line[:8]), 16, 32)
	if err != nil || crc32.Checksum(line[9:], table) != uint32(sum) {
		return nil, false
	}
	return line[9:], true
}
