package telemetry

import (
	"context"
	"time"

	"crieur/publisher"
)

// Courier times the mails that a courier carries.
func (m *Metrics) Courier(c publisher.Courier) publisher.Courier { return courier{c, m} }

type courier struct {
	publisher.Courier
	m *Metrics
}

func (c courier) Send(ctx context.Context, m publisher.Mail) (publisher.Receipt, error) {
	start := time.Now()
	r, err := c.Courier.Send(ctx, m)
	c.m.smtp.WithLabelValues(end(err)).Observe(time.Since(start).Seconds())
	return r, err
}

func (c courier) Carry(ctx context.Context, r publisher.Round) {
	c.Courier.Carry(ctx, &round{Round: r, m: c.m, begun: map[string]time.Time{}})
}

// A round knows when its mails were begun, of which few are under way at a time.
type round struct {
	publisher.Round
	m     *Metrics
	begun map[string]time.Time
}

func (r *round) Begin(m publisher.Mail) (time.Duration, error) {
	within, err := r.Round.Begin(m)
	if err == nil {
		r.begun[m.Key] = time.Now()
	}
	return within, err
}

func (r *round) Done(m publisher.Mail, receipt publisher.Receipt, err error) {
	if start, ok := r.begun[m.Key]; ok {
		delete(r.begun, m.Key)
		r.m.smtp.WithLabelValues(end(err)).Observe(time.Since(start).Seconds())
	}
	r.Round.Done(m, receipt, err)
}

var (
	_ publisher.Courier = courier{}
	_ publisher.Round   = (*round)(nil)
)
