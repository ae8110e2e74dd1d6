# How these scripts bring Go and packages of Debian, without installing anything. Sourced; the sourcing script defines
# `phase` and `fail`.
# shellcheck shell=bash

# Newer than the machine's own Debian has to be.
SUITE=forky
# The first Go that fetches a newer one where a module needs it.
OLDEST_GO=21
# Where Go's own installer puts it, which a shell's PATH need not have.
PATH=$PATH:/usr/local/go/bin

machine_has_go() {
  local found
  found=$(go env GOVERSION 2>/dev/null) || return 1
  [[ $found =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= OLDEST_GO))
}

# The first of the machine's mirrors that serves the suite.
mirror() {
  local site
  # shellcheck disable=SC2016 # apt-get and awk expand these
  while read -r site; do
    if wget --quiet --spider --tries=2 --timeout=20 "$site/dists/$SUITE/InRelease"; then
      printf '%s\n' "$site"
      return
    fi
  done < <(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | sed 's:/*$::' | awk '!seen[$0]++')
  fail "no mirror in this machine's apt sources serves Debian $SUITE (looked for dists/$SUITE/InRelease)"
}

# apt with a state of its own, which knows the suite and no installed package.
apt_of_suite() {
  local state=$1 command=$2
  shift 2
  "$command" --quiet --quiet \
    -o "Dir::Etc::SourceList=$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o "Dir::State=$state/state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache" \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Languages=none \
    -o APT::Sandbox::User= "$@"
}

prepare_apt() {
  local state=$1 site
  site=$(mirror)
  mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial"
  : >"$state/status"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$site" "$SUITE" \
    >"$state/sources.list"
  apt_of_suite "$state" apt-get update
}

# Into a directory, without its scripts: none of these packages needs them.
unpack_packages() {
  local state=$1 target=$2 package
  shift 2
  mkdir -p "$state/packages"
  (cd "$state/packages" && apt_of_suite "$state" apt-get download "$@")
  for package in "$state"/packages/*.deb; do
    dpkg-deb --extract "$package" "$target"
  done
  rm -r "$state/packages"
}

bring_go() {
  local state=$1 packages
  phase 'fetch Go'
  # golang-go, and what it stands for.
  mapfile -t packages < <(apt_of_suite "$state" apt-cache depends golang-go |
    sed -n 's/^ *Depends: \(golang-[0-9.]*\)-go$/\1-go\n\1-src/p')
  ((${#packages[@]} == 2)) || fail "Debian $SUITE: expected golang-go to depend on one Go, found ${packages[*]}"
  unpack_packages "$state" "$state/go" "${packages[@]}"
  GOROOT=$(echo "$state"/go/usr/lib/go-*)
  PATH=$GOROOT/bin:$PATH
  # What is fetched and compiled on the way goes with it.
  export GOROOT PATH GOPATH=$state/gopath GOCACHE=$state/gocache
}
