package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"crieur/publisher"
)

const (
	spansKept  = 512 // that wait to be sent; further ones are lost, and nothing waits for them
	spansSent  = 128 // at a time
	flushEvery = 5 * time.Second
)

// TraceConfig says where spans go: to a collector that takes OTLP over HTTP, in its
// JSON form (https://opentelemetry.io/docs/specs/otlp/).
type TraceConfig struct {
	Endpoint string            // its base address; spans are posted to /v1/traces below it
	Headers  map[string]string // sent along; they may hold a secret
	Version  string
	Client   *http.Client
	Log      *slog.Logger
}

// A Tracer tells a collector what was done, and how long it took. Nothing waits for
// it, and nothing fails because of it. Safe for concurrent use; a nil one is silent.
type Tracer struct {
	c     TraceConfig
	spans chan span
	done  chan struct{}
	once  sync.Once
}

// NewTracer gives a tracer that runs until Close.
func NewTracer(c TraceConfig) *Tracer {
	t := &Tracer{c: c, spans: make(chan span, spansKept), done: make(chan struct{})}
	go t.run()
	return t
}

// Close sends what waits.
func (t *Tracer) Close() error {
	if t != nil {
		t.once.Do(func() { close(t.spans) })
		<-t.done
	}
	return nil
}

type parentKey struct{}

type parent struct{ trace, span string }

// Start begins a span below ctx's, if that has one. end ends it, with the error of
// which its kind alone is told. No span may end after Close.
func (t *Tracer) Start(ctx context.Context, name string, attributes map[string]string) (_ context.Context, end func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	s := span{Trace: hex(2), Span: hex(1), Name: name, Kind: 1, Start: nanos(time.Now())}
	if p, ok := ctx.Value(parentKey{}).(parent); ok {
		s.Trace, s.Parent = p.trace, p.span
	}
	for k, v := range attributes {
		s.Attributes = append(s.Attributes, text(k, v))
	}
	return context.WithValue(ctx, parentKey{}, parent{s.Trace, s.Span}), func(err error) {
		s.End = nanos(time.Now())
		if err != nil {
			s.Status = &status{Code: 2}
			s.Attributes = append(s.Attributes, text("error.type", publisher.KindOf(err).String()))
		}
		select {
		case t.spans <- s:
		default:
		}
	}
}

func (t *Tracer) run() {
	defer close(t.done)
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	var batch []span
	failed := false
	flush := func() {
		if len(batch) == 0 {
			return
		}
		err := t.send(batch)
		if err != nil && !failed {
			t.c.Log.Warn("the collector takes no traces; they are lost", "error", publisher.KindOf(err).String())
		}
		failed, batch = err != nil, nil
	}
	for {
		select {
		case s, ok := <-t.spans:
			if !ok {
				flush()
				return
			}
			if batch = append(batch, s); len(batch) == spansSent {
				flush()
			}
		case <-ticker.C:
			flush()
		}
	}
}

func (t *Tracer) send(batch []span) error {
	body, err := json.Marshal(export{[]resourceSpans{{
		Resource:   resource{[]attribute{text("service.name", "crieur"), text("service.version", t.c.Version)}},
		ScopeSpans: []scopeSpans{{scope{"crieur"}, batch}},
	}}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(t.c.Endpoint, "/")+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	for k, v := range t.c.Headers {
		r.Header.Set(k, v)
	}
	res, err := t.c.Client.Do(r)
	if err != nil {
		return &publisher.Error{Kind: publisher.Busy, Op: "send traces", Err: err}
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return &publisher.Error{Kind: publisher.Denied, Op: "send traces", Code: res.StatusCode}
	}
	return nil
}

// The JSON form of opentelemetry/proto/collector/trace/v1.
type export struct {
	ResourceSpans []resourceSpans `json:"resourceSpans"`
}
type resourceSpans struct {
	Resource   resource     `json:"resource"`
	ScopeSpans []scopeSpans `json:"scopeSpans"`
}
type resource struct {
	Attributes []attribute `json:"attributes"`
}
type scopeSpans struct {
	Scope scope  `json:"scope"`
	Spans []span `json:"spans"`
}
type scope struct {
	Name string `json:"name"`
}
type span struct {
	Trace      string      `json:"traceId"`
	Span       string      `json:"spanId"`
	Parent     string      `json:"parentSpanId,omitempty"`
	Name       string      `json:"name"`
	Kind       int         `json:"kind"` // 1: internal
	Start      string      `json:"startTimeUnixNano"`
	End        string      `json:"endTimeUnixNano"`
	Attributes []attribute `json:"attributes,omitempty"`
	Status     *status     `json:"status,omitempty"`
}
type status struct {
	Code int `json:"code"` // 2: error
}
type attribute struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}
type value struct {
	String string `json:"stringValue"`
}

func text(k, v string) attribute { return attribute{k, value{v}} }

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// hex gives so many times sixteen hex digits, not all zero.
func hex(times int) string {
	var b strings.Builder
	for range times {
		s := strconv.FormatUint(rand.Uint64()|1, 16)
		b.WriteString(strings.Repeat("0", 16-len(s)) + s)
	}
	return b.String()
}
