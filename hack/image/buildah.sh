# How images are built without an engine and without leave to mount anything. Sourced by the scripts beside it.
# shellcheck shell=bash

# What this machine is, as Debian and OCI call it.
machine_architecture() {
  case $(uname -m) in aarch64) echo arm64 ;; *) echo amd64 ;; esac
}

# buildah with the images of $storage. What it needs while it runs ends with the machine's current boot.
image_tool() {
  buildah --root "$storage" --runroot "${storage%/*}/run" --storage-driver vfs ${bases:+--storage-opt "vfs.imagestore=$bases"} "$@"
}
