#!/usr/bin/env bash
# Boots the platform on this machine and deploys the sample service. Arguments go to the program.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash infra/scripts/install.sh
exec node_modules/.bin/node infra/bin/start-sample.mjs "$@"
