#!/usr/bin/env bash
# Runs the same test files as `npm test` on Deno, real podman included; or only the files named.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash infra/scripts/install.sh --tests
exec node_modules/.bin/deno test -A --no-check "$@"
