# make help lists what can be made.

GO ?= go
ARGS ?=
# The race detector leaves out SQLite, which is C made into Go: it is not ours and
# ten times slower under it. Tests wait for processes and timers most of the time,
# so there are more of them at once than processors.
TEST_FLAGS ?= -race -gcflags='modernc.org/...=-race=false' -shuffle=on -timeout 14m -parallel 4 -p 3
# Those that take longest begin first.
PACKAGES ?= ./internal/e2e ./web/checkout ./cmd/tolem ./...

.DEFAULT_GOAL := help
.PHONY: help build demo sandbox test check spec bench generate clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/tolem, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/tolem ./cmd/tolem

demo: build ## play a payment from code to closing over the wire (ARGS="--json")
	@bin/tolem demo $(ARGS)

sandbox: build ## start everything to click through payments in a browser (ARGS="--dir DIR")
	@bin/tolem sandbox $(ARGS)

# The tests compare with programs that are not ours and need a PostgreSQL; both
# are seen to first, so nothing may be skipped. Without fsync a throw-away
# database is several times faster and loses nothing a test looks at.
test: ## run every test with the race detector, on SQLite and PostgreSQL
	@scripts/install-test-tools.sh
	@CI=true POSTGRES_OPTIONS='-c fsync=off' scripts/with-postgres.sh $(GO) test $(TEST_FLAGS) $(PACKAGES)

check: ## linters, formatting, vulnerabilities, generated code
	@scripts/check.sh

spec: ## which test proves which requirement (ARGS="-open")
	@$(GO) run ./internal/spec $(ARGS)

bench: build ## measure signing, storage and whole calls (ARGS="--json")
	@scripts/with-postgres.sh bin/tolem bench $(ARGS)

generate: ## make the generated code anew
	$(GO) generate ./...

clean: ## remove what was built
	rm -rf bin
