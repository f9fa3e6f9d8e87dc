#!/usr/bin/env bash
# Formats the whole tree, or the files named.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash infra/scripts/install.sh
exec node_modules/.bin/deno fmt --quiet "$@"
