// Package telemetry counts what the daemon does, for Prometheus. It decides nothing
// and sends nothing: whoever is allowed to asks its handler. Labels are names that
// the configuration gives and states; no address, no token, no text of an error.
package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"crieur/publisher"
)

// Metrics are one process's figures. Safe for concurrent use.
type Metrics struct {
	registry   *prometheus.Registry
	deliveries *prometheus.CounterVec
	late       *prometheus.HistogramVec
	work       *prometheus.HistogramVec
	smtp       *prometheus.HistogramVec
}

// New gives metrics that count from zero. lots tells, at each scrape, how many lots
// wait on which channel, and for what.
func New(version string, lots func(ctx context.Context) (map[Waiting]int, error)) *Metrics {
	seconds := []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "crieur_deliveries_total",
			Help: "Deliveries of this process that reached a final state."}, []string{"channel", "state"}),
		late: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "crieur_queue_lag_seconds", Buckets: seconds,
			Help: "How long after its moment work of a kind was begun."}, []string{"kind"}),
		work: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "crieur_work_seconds", Buckets: seconds,
			Help: "How long work of a kind took, by how it ended: done, or the kind of its error."}, []string{"kind", "end"}),
		smtp: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "crieur_smtp_seconds", Buckets: seconds,
			Help: "From a mail's envelope to the server's last word on it, by how it ended: done, or the kind of its error."}, []string{"end"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "crieur_info", Help: "1, with the version as a label.",
		ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	m.registry.MustRegister(m.deliveries, m.late, m.work, m.smtp, info, waiting{lots},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Delivered counts a delivery that ended.
func (m *Metrics) Delivered(channel string, s publisher.State) {
	m.deliveries.WithLabelValues(channel, s.String()).Inc()
}

// Rang notes that work was begun so long after its moment.
func (m *Metrics) Rang(kind string, late time.Duration) {
	m.late.WithLabelValues(kind).Observe(max(late, 0).Seconds())
}

// Worked notes how long work took, and how it ended.
func (m *Metrics) Worked(kind string, took time.Duration, err error) {
	m.work.WithLabelValues(kind, end(err)).Observe(took.Seconds())
}

func end(err error) string {
	if err == nil {
		return "done"
	}
	return publisher.KindOf(err).String()
}

// A Waiting is what lots have in common that wait.
type Waiting struct {
	Channel string
	Why     string // "": for nobody; else a publisher.Hold
}

// waiting asks for the lots when it is asked itself.
type waiting struct {
	lots func(ctx context.Context) (map[Waiting]int, error)
}

var _ prometheus.Collector = waiting{}

var lotsWaiting = prometheus.NewDesc("crieur_lots_waiting", "Lots with something left to do, by channel and by whom they wait for.",
	[]string{"channel", "held"}, nil)

func (w waiting) Describe(c chan<- *prometheus.Desc) { c <- lotsWaiting }

func (w waiting) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	lots, err := w.lots(ctx)
	if err != nil {
		c <- prometheus.NewInvalidMetric(lotsWaiting, err)
		return
	}
	for w, n := range lots {
		c <- prometheus.MustNewConstMetric(lotsWaiting, prometheus.GaugeValue, float64(n), w.Channel, w.Why)
	}
}
