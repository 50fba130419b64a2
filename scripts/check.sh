#!/usr/bin/env bash
# Looks for what the tests do not see: formatting, suspicious constructs, known
# vulnerabilities, generated code that is out of date.
#
#   scripts/check.sh          everything
#   scripts/check.sh quick    what takes seconds
set -euo pipefail
cd "$(dirname "$0")/.."

readonly skipped=75 # what a step returns that could not look

status=0
step() { # step NAME COMMAND…
  printf '%-24s' "$1"
  local out code=0
  out=$("${@:2}" 2>&1) || code=$?
  case $code in
  0) echo "ok" ;;
  "$skipped") printf 'NOT CHECKED\n%s\n' "$out" ;;
  *)
    printf 'FAILED\n%s\n' "$out"
    status=1
    ;;
  esac
}

formatted() {
  local files
  files=$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l)
  [ -z "$files" ] || { echo "gofmt -w:" "$files"; return 1; }
}

# Generated code is compared with what the generators make of the sources now.
generated() {
  local before after
  before=$({ git status --porcelain; git diff HEAD; } | sha256sum)
  go generate ./...
  after=$({ git status --porcelain; git diff HEAD; } | sha256sum)
  [ "$before" = "$after" ] || { git diff --stat; echo "run make generate and commit"; return 1; }
}

vulnerabilities() {
  local out
  if out=$(go tool -modfile tools/go.mod govulncheck ./... 2>&1); then
    return 0
  fi
  echo "$out"
  if [[ $out == *"fetching vulnerabilities"* ]]; then
    echo "run govulncheck where https://vuln.go.dev can be reached"
    return $skipped
  fi
  return 1
}

# go.mod lists what is used and nothing else.
tidy() {
  go mod tidy -diff >/dev/null 2>&1 || { echo "run go mod tidy"; return 1; }
}

scripts_checked() {
  local script
  for script in scripts/*.sh .ci/run; do
    bash -n "$script" || return 1
  done
  if ! command -v shellcheck >/dev/null; then
    echo "only the syntax: shellcheck is not installed"
    return $skipped
  fi
  shellcheck --severity=warning scripts/*.sh .ci/run
}

step "gofmt" formatted
step "go vet" env CGO_ENABLED=0 go vet -trimpath ./... # as the tests are built
step "shell scripts" scripts_checked
if [ "${1:-}" != quick ]; then
  step "go.mod and go.sum" tidy
  step "downloaded modules" go mod verify
  step "staticcheck" go tool -modfile tools/go.mod staticcheck ./...
  step "generated code" generated
  step "known vulnerabilities" vulnerabilities
fi
exit $status
