# How images are built without an engine and without leave to mount anything. Sourced by the scripts beside it.
# shellcheck shell=bash

# buildah with the images of $storage. What it needs while it runs ends with the machine's current boot.
image_tool() {
  buildah --root "$storage" --runroot "${storage%/*}/run" --storage-driver vfs "$@"
}
