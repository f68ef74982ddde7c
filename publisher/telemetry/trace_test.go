package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"crieur/publisher"
	"crieur/publisher/telemetry"
)

// A collector keeps what it is sent.
type collector struct {
	mu     sync.Mutex
	bodies []string
	header http.Header
	path   string
	answer int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	c.bodies, c.header, c.path = append(c.bodies, string(body)), r.Header, r.URL.Path
	w.WriteHeader(c.answer)
}

func TestTraces(t *testing.T) {
	c := &collector{answer: 200}
	s := httptest.NewServer(c)
	defer s.Close()
	tracer := telemetry.NewTracer(telemetry.TraceConfig{Endpoint: s.URL + "/", Headers: map[string]string{"Authorization": "Bearer hunter2"},
		Version: "v", Client: s.Client(), Log: slog.New(slog.DiscardHandler)})
	ctx, endOuter := tracer.Start(t.Context(), "deliver", map[string]string{"key": "1"})
	_, endInner := tracer.Start(ctx, "dispatch", nil)
	endInner(&publisher.Error{Kind: publisher.Denied, Err: errors.New("token hunter2 refused for anne@example.org")})
	endOuter(nil)
	if err := tracer.Close(); err != nil {
		t.Fatal(err)
	}
	if len(c.bodies) != 1 || c.path != "/v1/traces" || c.header.Get("Content-Type") != "application/json" || c.header.Get("Authorization") != "Bearer hunter2" {
		t.Fatalf("%d posts, the last to %s with %v", len(c.bodies), c.path, c.header)
	}
	if strings.Contains(c.bodies[0], "hunter2") || strings.Contains(c.bodies[0], "anne@") {
		t.Errorf("an error's text stands in %s", c.bodies[0])
	}
	var sent struct {
		ResourceSpans []struct {
			ScopeSpans []struct {
				Spans []struct {
					TraceID, SpanID, ParentSpanID, Name, StartTimeUnixNano, EndTimeUnixNano string
					Status                                                                  struct{ Code int }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(c.bodies[0]), &sent); err != nil {
		t.Fatal(err)
	}
	spans := sent.ResourceSpans[0].ScopeSpans[0].Spans
	if len(spans) != 2 || spans[0].Name != "dispatch" || spans[1].Name != "deliver" {
		t.Fatalf("got %+v", spans)
	}
	inner, outer := spans[0], spans[1]
	if len(inner.TraceID) != 32 || len(inner.SpanID) != 16 || inner.TraceID != outer.TraceID || inner.ParentSpanID != outer.SpanID || outer.ParentSpanID != "" {
		t.Errorf("the spans do not belong together: %+v", spans)
	}
	if inner.Status.Code != 2 || outer.Status.Code != 0 || inner.StartTimeUnixNano > inner.EndTimeUnixNano {
		t.Errorf("got %+v", spans)
	}
}

// A collector that refuses, or is away, stops nothing; it is told once.
func TestTracesAreNobodysTrouble(t *testing.T) {
	c := &collector{answer: 500}
	s := httptest.NewServer(c)
	var log strings.Builder
	tracer := telemetry.NewTracer(telemetry.TraceConfig{Endpoint: s.URL, Client: s.Client(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2000 {
		_, end := tracer.Start(context.Background(), "x", nil)
		end(nil)
	}
	if err := tracer.Close(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if n := strings.Count(log.String(), "takes no traces"); n != 1 {
		t.Errorf("it was told %d times", n)
	}
	var silent *telemetry.Tracer
	_, end := silent.Start(t.Context(), "x", nil)
	end(nil)
	if err := silent.Close(); err != nil {
		t.Fatal(err)
	}
}
