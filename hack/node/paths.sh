# Where nodes and their roots are kept, how a node is named, and how these scripts fail. Sourced by the scripts beside it.
# shellcheck shell=bash

# Built roots (node-<key>) and, under run/, one directory per node.
CACHE=${NODESEAL_CACHE:-${XDG_CACHE_HOME:-/var/cache}/nodeseal}
RUNS=$CACHE/run

fail() {
  printf '%s: %s\n' "hack/node/${0##*/}" "$1" >&2
  exit "${2:-1}"
}

# Print the comment at the top of the script as its help, when asked to.
help_if_asked() {
  if [[ ${1:-} == --help || ${1:-} == -h ]]; then
    sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
    exit 0
  fi
}

# A name becomes a directory, a host name and a cgroup: let it be nothing but a plain label.
check_name() {
  [[ $1 =~ ^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$ ]] ||
    fail "node name: expected 1 to 40 of a-z, 0-9 and inner hyphens, found '$1'" 2
}

# Where the unified cgroup hierarchy is mounted; fails where it is not.
unified_cgroup() {
  findmnt --noheadings --first-only --types cgroup2 --output TARGET
}

# Set pid, root and cgroup to those of the named node; fails unless it runs.
read_node() {
  local key value
  pid='' root='' cgroup=''
  [[ -r $RUNS/$1/node ]] || return 1
  while IFS='=' read -r key value; do
    case $key in pid | root | cgroup) printf -v "$key" %s "$value" ;; esac
  done <"$RUNS/$1/node"
  [[ -d $root/run/systemd ]]
}
