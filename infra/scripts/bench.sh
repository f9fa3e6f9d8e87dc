#!/usr/bin/env bash
# Runs one benchmark by name beside its installed peers; the last line of stdout is JSON.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash infra/scripts/install.sh
exec node_modules/.bin/node bench/main.ts "$@"
