package app

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"

	"crieur/publisher"
	"crieur/publisher/mail"
	"crieur/publisher/telemetry"
	"crieur/publisher/web"
)

// serveMetrics answers Prometheus and whoever asks for the health of a process that
// has no readers' pages, where the configuration says so.
func (d *daemon) serveMetrics(ctx context.Context, all *sync.WaitGroup, stop context.CancelCauseFunc) error {
	m, address := d.first.courier.metrics, d.first.conf.Telemetry.Metrics
	if m == nil {
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return &publisher.Error{Kind: publisher.Internal, Op: "listen on " + address, Where: "telemetry.metrics", Err: err,
			Hint: "choose another address, or stop what answers there"}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	mux.HandleFunc("GET /readyz", d.readyz)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	all.Go(func() {
		if err := web.Serve(ctx, l, mux); err != nil {
			stop(err)
		}
	})
	return nil
}

// lotsWaiting counts the open lots.
func (a *App) lotsWaiting(ctx context.Context) (map[telemetry.Waiting]int, error) {
	lots, err := a.store.Lots(ctx, publisher.Selection{Open: true})
	if err != nil {
		return nil, err
	}
	n := map[telemetry.Waiting]int{}
	for _, l := range lots {
		n[telemetry.Waiting{Channel: l.Channel, Why: string(l.Held)}]++
	}
	return n, nil
}

// measured has somebody time the mails, if anybody counts.
func (a *App) measured(m *mail.SMTP) publisher.Mailer {
	if a.courier.metrics == nil {
		return m
	}
	return a.courier.metrics.Courier(m)
}

// openTracer gives a tracer, if a collector is named. In the sandbox none is reached
// beyond loopback.
func (a *App) openTracer() *telemetry.Tracer {
	endpoint, _ := a.o.Env("OTEL_EXPORTER_OTLP_ENDPOINT")
	if endpoint = firstOf(a.conf.Telemetry.Traces, endpoint); endpoint == "" {
		return nil
	}
	headers := map[string]string{}
	listed, _ := a.o.Env("OTEL_EXPORTER_OTLP_HEADERS")
	for pair := range strings.SplitSeq(listed, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			headers[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return telemetry.NewTracer(telemetry.TraceConfig{Endpoint: endpoint, Headers: headers, Version: firstOf(a.o.Version, "dev"), Client: a.client(), Log: a.o.Log})
}
