# SPDX-License-Identifier: Apache-2.0
# For tests with podman, to be sourced: settings of podman in the test's own folder, $folder, with limits that also a container
# without the right to raise them may have.
chmod 0755 "$folder"
cat >"$folder/containers.conf" <<'CONF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
CONF
export CONTAINERS_CONF=$folder/containers.conf

say() { printf '\033[1m%s\033[0m\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
