//go:build unix

package sandbox

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the exclusive lock of an open file; false: somebody else has it.
// The system gives it back when the file is closed or the process ends.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		}
		return err == nil, err
	}
}
