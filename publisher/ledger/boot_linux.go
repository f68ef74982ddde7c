package ledger

import (
	"os"
	"strings"
)

// bootID names the machine's present run: it is another one after each start.
func bootID() (id string, ok bool) {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	id = strings.TrimSpace(string(data))
	return id, err == nil && len(id) == 36
}
