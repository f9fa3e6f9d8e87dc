#!/usr/bin/env bash
# Prints the test files, one a line.
set -euo pipefail
cd "$(dirname "$0")/../.."
for folder in shared handlers edge-proxy node-runtime cli web infra bench tests; do
  if [ -d "$folder" ]; then find "$folder" -type f \( -name '*.test.ts' -o -name '*.test.tsx' \); fi
done | LC_ALL=C sort
