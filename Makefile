# make help lists what can be made.

GO ?= go
ARGS ?=
# Everything is built as it is released, so that vet, tests and the program under
# test are compiled once. Tests wait for processes and timers most of the time, so
# there are more of them at once than processors.
export CGO_ENABLED := 0
TEST_FLAGS ?= -trimpath -shuffle=on -timeout 14m -parallel 4 -p 3
# Those that take longest begin first.
PACKAGES ?= ./internal/e2e ./web/checkout ./cmd/tolem ./web/workplace ./...
# The race detector makes tests five to ten times slower, so it looks where
# goroutines meet. It leaves out SQLite, which is C made into Go, and two libraries
# that are not ours and spend most of the time under it.
RACE_FLAGS ?= -race -short -shuffle=on -timeout 14m -parallel 4 -p 3 \
	$(foreach p,modernc.org/... regexp/... github.com/pressly/...,-gcflags='$(p)=-race=false')
RACE_PACKAGES ?= ./access ./banks/... ./bills/... ./gateway/... ./registry ./registry/deliver ./registry/jobs \
	./signing/... ./smartcard/... ./store ./workplace

.DEFAULT_GOAL := help
.PHONY: help build demo sandbox test race check spec bench generate clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/tolem, one static binary
	$(GO) build -trimpath -o bin/tolem ./cmd/tolem

demo: build ## play a payment from code to closing over the wire (ARGS="--json")
	@bin/tolem demo $(ARGS)

sandbox: build ## start everything to click through payments in a browser (ARGS="--dir DIR")
	@bin/tolem sandbox $(ARGS)

# The tests compare with programs that are not ours and need a PostgreSQL; both
# are seen to first, so nothing may be skipped. Without fsync a throw-away
# database is several times faster and loses nothing a test looks at.
test: ## run every test, on SQLite and PostgreSQL, then the race detector
	@scripts/install-test-tools.sh
	@CI=true POSTGRES_OPTIONS='-c fsync=off' scripts/with-postgres.sh $(GO) test $(TEST_FLAGS) $(PACKAGES)
	@$(MAKE) --no-print-directory race

# On SQLite alone: what differs on PostgreSQL is SQL, and the server's own doing.
race: ## the race detector over the packages where goroutines meet
	@CI= CGO_ENABLED=1 $(GO) test $(RACE_FLAGS) $(RACE_PACKAGES)

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
