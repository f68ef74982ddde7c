package dispatch_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"crieur/publisher"
	"crieur/publisher/dispatch"
	"crieur/publisher/ledger"
	"crieur/publisher/ledger/ledgertest"
)

// A frozen ledger stops the process for a while right after it was granted something.
type frozen struct {
	*ledger.Ledger
	meanwhile func()
}

func (f *frozen) Commit(ctx context.Context, outcomes []publisher.Outcome, wants []publisher.Claim, now, until time.Time, r ...publisher.Ration) (publisher.Commit, error) {
	c, err := f.Ledger.Commit(ctx, outcomes, wants, now, until, r...)
	if meanwhile := f.meanwhile; len(c.Granted) > 0 && meanwhile != nil {
		f.meanwhile = nil
		meanwhile()
	}
	return c, err
}

func onPostgres(t *testing.T) ledger.Config {
	t.Helper()
	for _, e := range ledgertest.Engines() {
		if e.Name == "postgres" {
			return e.New(t)
		}
	}
	t.Fatal("no PostgreSQL")
	return ledger.Config{}
}

// A worker that stood still beyond its lease (SIGSTOP, a suspended machine) begins
// nothing on it when it goes on, and takes nothing back that another one did.
func TestFrozenWorkerBeginsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		mail  bool
		posts map[string]int
		all   int
		dead  bool // it was taken for dead before its leases ended
	}{"mails": {true, nil, 6, false}, "posts": {false, map[string]int{"c": 3}, 3, false},
		"mails of the dead": {true, nil, 6, true}, "posts of the dead": {false, map[string]int{"c": 3}, 3, true}} {
		t.Run(name, func(t *testing.T) {
			store := onPostgres(t)
			l := ledgertest.Open(t, store)
			subscribe(t, l, 6)
			clock := newClock()
			f := &frozen{Ledger: l}
			own, others := newMailer(nil), newMailer(nil)
			net := &network{keyed: true, traits: publisher.Traits{Keyed: time.Hour}}
			var silent atomic.Bool
			config := dispatch.Config{Ours: func() bool { return !silent.Load() }, Ledger: f, Mailer: own, Letter: letter, Merge: merge, Now: clock.Now, Sleep: clock.Sleep, Lanes: 4,
				Networks: map[string]publisher.Network{"c": net}, Unknown: func(string) dispatch.Policy { return dispatch.Resend }}
			first := dispatch.New(config)
			var audience []dispatch.Audience
			if c.mail {
				audience = daily
			}
			if _, err := first.Plan(t.Context(), publisher.Issue{ID: "i", Created: clock.Now()}, texts(c.mail, c.posts), audience); err != nil {
				t.Fatal(err)
			}
			meanwhile := 0
			f.meanwhile = func() {
				other := ledgertest.Open(t, store)
				config.Ledger, config.Mailer, config.Ours = other, others, nil
				if c.dead {
					clock.Sleep(context.Background(), publisher.WorkerSilence)
					silent.Store(true)
					if n, err := other.EndLeases(t.Context(), l.Session(), clock.Now()); err != nil || n == 0 {
						t.Errorf("%d leases were ended, %v", n, err)
					}
				} else {
					clock.Sleep(context.Background(), 10*time.Minute)
				}
				if _, err := dispatch.New(config).Run(context.Background(), publisher.Selection{}, nil); err != nil {
					t.Error(err)
				}
				meanwhile = others.calls + net.calls
			}
			if _, err := first.Run(t.Context(), publisher.Selection{}, nil); (err != nil) != c.dead || c.dead && publisher.KindOf(err) != publisher.Busy {
				t.Fatal(err)
			}
			if all := own.calls + others.calls + net.calls; meanwhile != c.all || all != c.all {
				t.Errorf("%d were sent meanwhile, %d in all; want %d each", meanwhile, all, c.all)
			}
			wantStates(t, l, map[publisher.State]int{accepted: c.all})
		})
	}
}
