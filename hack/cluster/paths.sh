# Where control planes are kept while they run. Sourced by the scripts beside it, after ../node/paths.sh.
# shellcheck shell=bash

# One directory per control plane.
CLUSTERS=$CACHE/clusters

fail() {
  printf '%s: %s\n' "hack/cluster/${0##*/}" "$1" >&2
  exit "${2:-1}"
}

# Kills what the directory says runs, and only that: a number may be another process's by now.
kill_programs() {
  local directory=$1 signal=$2 file pid
  for file in "$directory"/*.pid; do
    [[ -r $file ]] || continue
    pid=$(<"$file")
    # Each was started in its directory.
    [[ $(readlink "/proc/$pid/cwd") != "$directory" ]] || kill "-$signal" "$pid" 2>/dev/null || true
  done
}

programs_run() {
  local directory=$1 file
  for file in "$directory"/*.pid; do
    [[ ! -r $file || $(readlink "/proc/$(<"$file")/cwd") != "$directory" ]] || return 0
  done
  return 1
}
