#!/usr/bin/env bash
# Runs the same test files as `npm test` on Deno, real podman included; or only the files named.
# One process a file, two at a time, as `node --test` does: a file that hangs or crashes takes no other with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash infra/scripts/install.sh --tests
export PATH="$PWD/node_modules/.bin:$PATH" NO_COLOR=1

run_file() {
  local file=$1 start=$EPOCHREALTIME output status=0
  # `deno test` has no limit of its own; the whole file gets what `npm test` gives one test.
  output=$(timeout --kill-after=10 600 deno test --allow-all --no-check "$file" 2>&1) || status=$?
  local totals duration
  totals=$(grep --extended-regexp '^(ok|FAILED) \| ' <<<"$output" | tail -n 1 | sed -E 's/^[^|]*\| //; s/ \([^()]*s\)$//') || true
  duration=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
  case $status in
    0) printf 'ok     %6d ms  %s: %s\n' "$duration" "$file" "$totals" ;;
    124 | 137) printf '%s\nFAILED %6d ms  %s: no end within 600 s\n' "$output" "$duration" "$file" ;;
    *) printf '%s\nFAILED %6d ms  %s: %s\n' "$output" "$duration" "$file" "${totals:-exit status $status}" ;;
  esac
}
export -f run_file

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run_files() {
  xargs --max-procs="$1" --max-args=1 bash -c 'run_file "$1"' run-file | tee --append "$log"
}
if [ "$#" -gt 0 ]; then
  printf '%s\n' "$@" | run_files 2
else
  bash infra/scripts/list-tests.sh --plain | run_files 2
  # One after the other: they share one podman store, and each boots a platform on this machine.
  bash infra/scripts/list-tests.sh --podman | run_files 1
fi

total() {
  grep --extended-regexp '^(ok|FAILED) +[0-9]+ ms' "$log" | grep --only-matching --extended-regexp "[0-9]+ $1" | awk '{ n += $1 } END { print n + 0 }'
}
failed_files=$(grep --extended-regexp '^FAILED +[0-9]+ ms' "$log" | sed -E 's/^FAILED +[0-9]+ ms +//' || true)
printf '\nDeno: %d passed, %d failed, %d skipped in %d files\n' \
  "$(total passed)" "$(total failed)" "$(total ignored)" "$(grep --count --extended-regexp '^(ok|FAILED) +[0-9]+ ms' "$log")"
if [ -n "$failed_files" ]; then
  printf 'failed: %s\n' "$failed_files"
  exit 1
fi
