package app

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// A teller tells systemd how the service is: sd_notify(3). Without systemd it is
// silent.
type teller struct {
	socket string
	dog    time.Duration // how often systemd wants to hear of us; 0: never
}

func notifier(env func(string) (string, bool)) teller {
	var t teller
	t.socket, _ = env("NOTIFY_SOCKET")
	usec, _ := env("WATCHDOG_USEC")
	if n, err := strconv.ParseInt(usec, 10, 64); err == nil && n > 0 {
		t.dog = time.Duration(n) * time.Microsecond
	}
	if pid, ok := env("WATCHDOG_PID"); ok && pid != strconv.Itoa(os.Getpid()) {
		t.dog = 0
	}
	return t
}

// say sends a state. Nobody is told where it fails: there is nobody else to tell.
func (t teller) say(state string) {
	if t.socket == "" {
		return
	}
	name := t.socket
	if rest, ok := strings.CutPrefix(name, "@"); ok {
		name = "\x00" + rest
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// dogged keeps the watchdog quiet until ctx ends.
func (t teller) dogged(ctx context.Context) {
	if t.socket == "" || t.dog == 0 {
		return
	}
	ticker := time.NewTicker(t.dog / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			t.say("WATCHDOG=1")
		}
	}
}
