package ledger

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fileID is a file's number on its disk with the moment it was made: numbers are given
// again, and a copy has another moment.
func fileID(path string) string {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &s); err != nil {
		return ""
	}
	if s.Mask&unix.STATX_BTIME == 0 {
		return fmt.Sprint(s.Ino)
	}
	return fmt.Sprintf("%d@%d.%09d", s.Ino, s.Btime.Sec, s.Btime.Nsec)
}
