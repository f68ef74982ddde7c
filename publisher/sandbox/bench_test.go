package sandbox_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// A newsletter of 45 kB, as quoted-printable, over four connections that pipeline.
func BenchmarkMails(b *testing.B) {
	s := start(b, config(b))
	part := strings.Repeat("<p>Une ligne de la Gazette, qui en compte bien d=E2=80=99autres.</p>\r\n", 660)
	acks := make(chan string, b.N)
	b.SetBytes(int64(len(part)))
	b.ResetTimer()
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			pour(s.SMTPAddr(), func(n int) (string, string) {
				if n >= (b.N+3-worker)/4 {
					return "", "QUIT\r\n" // ends the connection: no mail without a header is taken
				}
				id := fmt.Sprintf("m%d-%d", worker, n)
				return id, letter(id, map[string]string{"Content-Type": "text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable", "body": part})
			}, acks)
		})
	}
	all.Wait()
	if len(acks) != b.N {
		b.Fatalf("%d of %d mails came through", len(acks), b.N)
	}
}
