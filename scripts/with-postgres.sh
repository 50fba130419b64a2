#!/usr/bin/env bash
# Runs a command beside a private PostgreSQL that lives in a throw-away folder
# on a free port of the loopback interface:
#
#   scripts/with-postgres.sh COMMAND…
#
# The command finds its address in TOLEM_TEST_POSTGRES. Nothing is left running
# and nothing is left on disk, however the command ends. POSTGRES_OPTIONS holds
# further options of the server.
set -euo pipefail

bin=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1 || true)
bin=${bin:-$(dirname "$(command -v initdb)")}
folder=$(mktemp -d "${TMPDIR:-/tmp}/tolem-postgres.XXXXXX")
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
command=

# PostgreSQL refuses to run as root.
server() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd "$folder" && runuser -u postgres -- "$bin/$1" "${@:2}")
  else
    (cd "$folder" && "$bin/$1" "${@:2}")
  fi
}

finish() {
  trap '' INT TERM HUP
  if [ -n "$command" ]; then
    kill -TERM -- "-$command" 2>/dev/null && sleep 0.5
    kill -KILL -- "-$command" 2>/dev/null || true
  fi
  server pg_ctl -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

printf '%s\n' "$password" >"$folder/password"
chmod 700 "$folder"
if [ "$(id -u)" -eq 0 ]; then
  chown -R postgres "$folder"
fi
server initdb -D "$folder/data" -U tolem -A scram-sha-256 --pwfile "$folder/password" \
  -E UTF8 --locale C.UTF-8 --no-sync >/dev/null

start() { # start PORT
  server pg_ctl -D "$folder/data" -l "$folder/data/server.log" -w -t 60 \
    -o "-p $1 -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200 ${POSTGRES_OPTIONS:-}" \
    start >/dev/null 2>&1
}
for _ in 1 2 3 4 5; do # a port may be taken between two looks, so it is tried
  port=$((20000 + RANDOM % 12000))
  if start "$port"; then
    started=yes
    break
  fi
done
if [ -z "${started:-}" ]; then
  echo "PostgreSQL does not start:" >&2
  tail -n 20 "$folder/data/server.log" >&2
  exit 1
fi

# The command gets a process group of its own, so that all it has started can
# be ended with it.
export TOLEM_TEST_POSTGRES="postgres://tolem:$password@127.0.0.1:$port/postgres?sslmode=disable"
set -m
"$@" &
command=$!
status=0
wait "$command" || status=$?
set +m
exit "$status"
