#!/usr/bin/env bash
# Sets up Loss Atlas in .venv and opens the app: bash scripts/serve.sh [options of lossatlas serve]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
make_venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check ".[fast]"
exec .venv/bin/lossatlas serve "$@"
