#!/usr/bin/env bash
# Prints the test files, one a line: all, or those that use real podman (--podman), or the others (--plain).
set -euo pipefail
cd "$(dirname "$0")/../.."
names=(-name '*.test.ts' -o -name '*.test.tsx')
case "${1:-}" in
  --podman) names=(-name '*.podman.test.ts') ;;
  --plain) names=('(' "${names[@]}" ')' -not -name '*.podman.test.ts') ;;
esac
for folder in shared handlers edge-proxy node-runtime cli web infra bench tests; do
  if [ -d "$folder" ]; then find "$folder" -type f '(' "${names[@]}" ')'; fi
done | LC_ALL=C sort
