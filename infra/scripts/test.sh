#!/usr/bin/env bash
# Runs all tests on Node, real podman included; or only the files named.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash infra/scripts/install.sh --tests
if [ "$#" -gt 0 ]; then files=("$@"); else mapfile -t files < <(bash infra/scripts/list-tests.sh); fi
# The machine's own `node` may be older: programs that tests start find the same one as the tests.
export PATH="$PWD/node_modules/.bin:$PATH"
exec node --test --test-concurrency=2 --test-timeout=600000 "${files[@]}"
