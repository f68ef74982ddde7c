# Everything a contributor runs. `make test` is what CI runs.
GO ?= go
CRIEUR = $(GO) run ./cmd/crieur

.PHONY: test check soak bench bench-parts demo build schema e2e

# Builds the one static binary.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$$(git describe --tags --always --dirty 2>/dev/null || echo dev)" -o crieur ./cmd/crieur

# gofmt, vet, staticcheck: no tests.
check:
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofmt wants to change:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Installs what the tests need where it is missing, then runs everything.
test: check
	sh .ci/deps
	$(GO) test -race ./...
	@$(GO) test -count=1 -run Conformance -v ./publisher/social/measure | grep -E '^conformance|conformance:' || (echo "the conformance summary is missing"; exit 1)

# The proofs that take too long for every run: a send to 100,000 readers, interrupted
# fifty times, on both stores (SIZE readers instead, if given), a send whose power
# is cut at some hundred moments, and what serve and workers promise, with up to three
# workers. About half an hour.
soak:
	sh .ci/deps
	CRIEUR_SOAK=1 $(GO) test -count=1 -timeout 60m -run 'Soak|TestFleet' -v ./cmd/crieur-bench

# Figures, never pass or fail: how fast mail goes out, one line a run (docs/performance.md).
# SIZE readers, 20000 unless given.
bench:
	@GO="$(GO)" sh .ci/bench
	@$(GO) test -run '^$$' -bench RenderAll ./publisher/app | grep ^Benchmark
	@GO="$(GO)" sh .ci/startup

# Figures of the parts: each package's benchmarks, and how long crieur takes to start.
bench-parts:
	$(GO) test -run '^$$' -bench . -benchmem ./...
	sh .ci/startup

# The main job, in the sandbox, on the real example.
demo:
	$(CRIEUR) publish docs/example/article.txt

# The JSON schema that editors complete config.yaml with.
schema:
	$(CRIEUR) check --schema > config.schema.json
