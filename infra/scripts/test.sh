#!/usr/bin/env bash
# Runs all tests on Node, real podman included; or only the files named.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash infra/scripts/install.sh --tests
# The machine's own `node` may be older: programs that tests start find the same one as the tests.
export PATH="$PWD/node_modules/.bin:$PATH"
run_files() {
  node --test --test-concurrency="$1" --test-timeout=600000 "${@:2}"
}

if [ "$#" -gt 0 ]; then
  run_files 2 "$@"
  exit
fi
mapfile -t plain < <(bash infra/scripts/list-tests.sh --plain)
mapfile -t podman < <(bash infra/scripts/list-tests.sh --podman)
failed=0
run_files 2 "${plain[@]}" || failed=1
# One after the other: they share one podman store, and each boots a platform on this machine.
run_files 1 "${podman[@]}" || failed=1
exit "$failed"
