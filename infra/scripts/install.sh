#!/usr/bin/env bash
# Installs what is missing: npm packages, and the Debian packages that podman needs. With --tests also what the tests call.
# Silent when nothing is missing. Not root: prints the command to run, and fails only when podman itself is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

packages=(podman runc uidmap slirp4netns netavark aardvark-dns busybox-static openssl curl)
if [ "${1:-}" = "--tests" ]; then
  packages+=(dnsutils skopeo socat iproute2 git procps zsh fish)
  # What judges the proxy; nginx and haproxy are compared with when they are there.
  packages+=(pebble testssl.sh slowhttptest nghttp2-client)
fi

install_npm_packages() {
  local installed=node_modules/.package-lock.json
  if [ -e "$installed" ] && ! [ package-lock.json -nt "$installed" ]; then return; fi
  echo "installing npm packages" >&2
  # Not `npm ci`: it refuses a lock file that lacks other systems' optional packages, as a partial mirror of the registry
  # leaves them out. With --no-save the versions are those of the lock file all the same, and it stays as it is.
  npm install --no-save --prefer-offline --no-audit --no-fund --loglevel=error >&2
  touch "$installed"
}

list_missing() {
  local package
  for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep --quiet '^installed' || echo "$package"
  done
}

# A name that this release of the distribution does not offer is left out: older ones have no netavark, for example.
list_offered() {
  local package
  for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then echo "$package"; fi
  done
}

apt_install() {
  local offered
  mapfile -t offered < <(list_offered "$@")
  [ "${#offered[@]}" -gt 0 ] || return 1
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "${offered[@]}" >/dev/null
}

install_debian_packages() {
  local missing
  mapfile -t missing < <(list_missing)
  if [ "${#missing[@]}" -eq 0 ]; then return; fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "missing: ${missing[*]}; to install them run: sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
    return
  fi
  echo "installing Debian packages: ${missing[*]}" >&2
  # The package lists may be absent or stale; they are fetched only when the first try fails.
  if ! apt_install "${missing[@]}" 2>/dev/null || ! command -v podman >/dev/null; then
    apt-get update --quiet=2 >/dev/null
    apt_install "${missing[@]}"
  fi
}

install_npm_packages
if command -v dpkg-query >/dev/null; then install_debian_packages; fi
if ! command -v podman >/dev/null; then
  echo "Cannot run containers: podman is not installed, expected it from this system's packages (Debian: apt-get install podman)" >&2
  exit 1
fi
