#!/usr/bin/env bash
# Everything that can be known without running the program: types, lint, format, dead code, generated docs.
# Runs all checks even when one fails, and ends with one line for each.
set -uo pipefail
cd "$(dirname "$0")/../.."
bash infra/scripts/install.sh || exit 1
export PATH="$PWD/node_modules/.bin:$PATH" NO_COLOR=1

summary=()
failed=0
check() {
  local name=$1 start=$EPOCHREALTIME output
  shift
  local result=ok
  if ! output=$("$@" 2>&1); then
    result=FAILED
    failed=1
    printf '\n--- %s: %s\n%s\n' "$name" "$*" "$output"
  fi
  summary+=("$(printf '%-14s %-6s %5d ms' "$name" "$result" $(((${EPOCHREALTIME/./} - ${start/./}) / 1000)))")
}

check types tsc --project .
check lint oxlint --type-aware --deny-warnings
check "second lint" deno lint --quiet
check format deno fmt --check --quiet
check "dead code" knip --no-progress
if [ -e infra/generate-docs.ts ]; then check "generated docs" node infra/generate-docs.ts --check; fi

printf '\n'
printf '%s\n' "${summary[@]}"
exit "$failed"
