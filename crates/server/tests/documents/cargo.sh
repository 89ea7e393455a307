#!/usr/bin/env bash
# Stands before cargo where the blocks of documents are run: starts the programs that are built already, and of commands
# that would build or take long says only that there are such ones.
#
# CARGO: the real one. PROGRAMS: where the programs are. MANIFEST: the workspace's. NOT_RUN: gets a line for each command
# that was not run.
set -euo pipefail

not_run() { # the command, as printed
  echo "cargo $*" >>"$NOT_RUN"
}

run() { # [--release] [-p PACKAGE] [-- ARGUMENTS]
  local program=rollcall
  while [ $# -gt 0 ]; do
    case "$1" in
      --) shift; break ;;
      -p) program=$2; shift 2 ;;
      --release) shift ;;
      *) echo "the cargo of documents does not know: run $1" >&2; exit 2 ;;
    esac
  done
  exec "$PROGRAMS/$program" "$@"
}

xtask() {
  case "$1" in
    conformance) ROLLCALL_PROGRAMS=$PROGRAMS "$CARGO" run --quiet --manifest-path "$MANIFEST" -p xtask -- "$@" ;;
    *) "$CARGO" run --quiet --manifest-path "$MANIFEST" -p xtask -- "$1" --help >/dev/null && not_run xtask "$@" ;;
  esac
}

case "$1" in
  run | xtask) "$@" ;;
  *) "$CARGO" "$1" --help >/dev/null && not_run "$@" ;;
esac
