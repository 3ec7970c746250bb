#!/usr/bin/env bash
# Builds ripgrep cold and warm, repeatedly, through one way of caching, and says what came from the cache, how long a
# hit took, and how often a backend refused or conflicted. On a fresh Debian 12 it installs and builds what it needs.
#
#   SCCACHE_BACKEND=local RUN_SCOPED_TAGS=0 PARALLEL_JOBS=2 scripts/e2e-sccache-test.sh
#   SCCACHE_BACKEND=proxy RUN_SCOPED_TAGS=1 PARALLEL_JOBS=2 scripts/e2e-sccache-test.sh
#
# SCCACHE_BACKEND   local: sccache on its own disk; proxy: through hearth; both: one against the other (default)
# RUN_SCOPED_TAGS   1: a new tag for each round, which is what a run-scoped tag costs; 0: a stable one (default)
# PARALLEL_JOBS     above 1: also so many cold builds at once onto one tag (default 1)
# HEARTH_BACKEND    where the proxy's tags live (default: a folder, forgotten each round)
# ROUNDS            cold and warm builds of each way (default 3)
# PROJECT, BUILD, CLEAN   another project, and how it is built and cleaned
# RESULTS           folder for results.json and chart.svg
# `--merge FOLDER` as the first argument measures nothing: it shows every results.json below the folder in one table.
# Anything else is passed on: scripts/e2e-sccache-test.sh --require 'warm_hit_rate>=95' --require '429==0'
here=$PWD
# lib.sh changes to hearth's checkout; what the caller names is meant from where he is.
absolute() {
  [ -z "$1" ] || realpath -m -- "$1"
}
PROJECT=$(absolute "${PROJECT:-}")
RESULTS=$(absolute "${RESULTS:-}")
case "${HEARTH:-}" in
  */*) HEARTH=$(absolute "$HEARTH") ;;  # else it is found on PATH
esac
if [ "${1:-}" = --merge ] && [ -n "${2:-}" ]; then
  set -- --merge "$(absolute "$2")" "${@:3}"
fi
. "$(dirname "$0")/lib.sh"

wrong() {
  printf 'e2e-sccache-test: %s\n' "$*" >&2
  exit 2
}

case "${SCCACHE_BACKEND:-both}" in
  local) legs=(--leg local) ;;
  proxy) legs=(--leg proxy) ;;
  both) legs=(--leg local --leg proxy) ;;
  *) wrong "SCCACHE_BACKEND=$SCCACHE_BACKEND: there are local, proxy and both" ;;
esac
case "${RUN_SCOPED_TAGS:-0}" in
  0) tags=stable ;;
  1) tags=run-scoped ;;
  *) wrong "RUN_SCOPED_TAGS=$RUN_SCOPED_TAGS: there are 0 and 1" ;;
esac
jobs=${PARALLEL_JOBS:-1}
[[ $jobs =~ ^[1-9][0-9]?$ ]] || wrong "PARALLEL_JOBS=$jobs: it is a number from 1 to 64"

hearth=${HEARTH:-}
if [ -z "$hearth" ]; then
  install_packages scripts/packages.txt scripts/packages-quickstart.txt
  build release hearth sccache-launcher
  hearth=$top/build/release/bin/hearth
fi
if [ "${1:-}" = --merge ]; then
  [ $# -ge 2 ] || wrong "--merge needs a folder"
  mapfile -t files < <(find "$2" -name results.json | sort)
  [ ${#files[@]} -gt 0 ] || wrong "$2: there is no results.json in it"
  shift 2
  cd "$here"
  exec "$hearth" bench "${files[@]/#/--from=}" "$@"
fi
export HEARTH_BUILD_DIR=${HEARTH_BUILD_DIR:-$top/build/release}
HEARTH_SCCACHE=$(PYTHONPATH=$top python3 -m tests.e2e.tools sccache)
export HEARTH_SCCACHE

work=$(mktemp -d "${TMPDIR:-/tmp}/hearth-e2e-XXXXXX")
trap 'rm -rf "$work"' EXIT
project=$PROJECT
how=()
if [ -z "$project" ]; then
  ensure_rust
  source=$(PYTHONPATH=$top python3 -c 'from tests.e2e import inputs; print(inputs.ripgrep())')
  project=$work/ripgrep
  cp -r "$source" "$project"
  how=(--build "cargo build --offline --quiet" --clean "rm -rf target")
fi
[ -z "${BUILD:-}" ] || how=(--build "$BUILD" --clean "${CLEAN:?BUILD and CLEAN belong together}")
out=()
if [ -n "$RESULTS" ]; then
  mkdir -p "$RESULTS"
  out=(--output "$RESULTS/results.json" --svg "$RESULTS/chart.svg")
fi
backend=()
[ -z "${HEARTH_BACKEND:-}" ] || backend=(--backend "$HEARTH_BACKEND")

cd "$here"
"$hearth" bench --project "$project" "${legs[@]}" --tags "$tags" --jobs "$jobs" --rounds "${ROUNDS:-3}" \
  "${backend[@]}" "${how[@]}" "${out[@]}" "$@"
