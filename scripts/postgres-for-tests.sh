#!/bin/sh
# A throw-away PostgreSQL for the tests: start | stop | url | status. Starting twice is harmless.
#   eval "$(scripts/postgres-for-tests.sh start)"   exports HOLDFAST_TEST_POSTGRES_URL
# Works as root (the server then runs as `postgres` or `nobody`) and as anybody else.
# HOLDFAST_TEST_POSTGRES_PORT (54329) and HOLDFAST_TEST_POSTGRES_FOLDER choose where.
set -eu

port=${HOLDFAST_TEST_POSTGRES_PORT:-54329}
folder=${HOLDFAST_TEST_POSTGRES_FOLDER:-${TMPDIR:-/tmp}/holdfast-postgres-$port}
url=postgres://postgres@127.0.0.1:$port/postgres

find_binaries() {
  for candidate in "$(dirname "$(command -v initdb 2>/dev/null || echo /none/x)")" /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /usr/local/bin /opt/homebrew/bin; do
    if [ -x "$candidate/initdb" ] && [ -x "$candidate/pg_ctl" ] && [ -x "$candidate/postgres" ]; then found=$candidate; fi
  done
  if [ -z "${found:-}" ]; then
    echo 'PostgreSQL is missing. Debian and Ubuntu: apt-get install postgresql. macOS: brew install postgresql.' >&2
    exit 1
  fi
  echo "$found"
}

# PostgreSQL refuses to run as root.
as_server_user() {
  if [ "$(id -u)" != 0 ]; then
    sh -c "$1"
  elif id postgres >/dev/null 2>&1; then
    su postgres -s /bin/sh -c "$1"
  else
    su nobody -s /bin/sh -c "$1"
  fi
}

server_user() {
  if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

running() {
  as_server_user "cd / && '$bin/pg_ctl' -D '$folder/data' status" >/dev/null 2>&1
}

start() {
  if ! running; then
    mkdir -p "$folder"
    if [ "$(id -u)" = 0 ]; then chown "$(server_user)" "$folder"; fi
    if [ ! -f "$folder/data/PG_VERSION" ]; then
      as_server_user "cd / && '$bin/initdb' -D '$folder/data' -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync" >/dev/null
    fi
    # Durability is SQLite's and git's business in these tests; here it would only cost time.
    as_server_user "cd / && '$bin/pg_ctl' -D '$folder/data' -w -t 60 -l '$folder/log' \
      -o '-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=300' start" >/dev/null
  fi
  echo "export HOLDFAST_TEST_POSTGRES_URL=$url"
}

bin=$(find_binaries)
case "${1:-}" in
  start) start ;;
  stop) if running; then as_server_user "cd / && '$bin/pg_ctl' -D '$folder/data' -m fast -w stop" >/dev/null; fi ;;
  url) echo "$url" ;;
  status) if running; then echo running; else echo stopped; exit 1; fi ;;
  *)
    echo "usage: $0 start | stop | url | status" >&2
    exit 2
    ;;
esac
