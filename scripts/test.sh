#!/usr/bin/env bash
# Sets up everything in .venv and passes every check and test: bash scripts/test.sh [options of pytest]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
make_venv
command -v chromium >/dev/null || need_debian_package chromium
# Chromium without windows takes a third less processor time. If Debian has no such package, Chromium itself is used.
command -v chromium-headless-shell >/dev/null || (need_debian_package chromium-headless-shell) ||
    echo "The tests use Chromium itself instead." >&2
# Some tests run in Firefox and in WebKit as well; where Debian's packages are missing, these are skipped.
command -v firefox-esr >/dev/null || (need_debian_package firefox-esr) || true
command -v WebKitWebDriver >/dev/null || (need_debian_package webkit2gtk-driver) || true
command -v Xvfb >/dev/null || (need_debian_package xvfb) || true
# Debian starts nginx when it is installed, so that only CI installs it. Its test is skipped without it.
[ "${CI:-}" != true ] || command -v nginx >/dev/null || (need_debian_package nginx) || true
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[fast]" --group dev --group oracle

echo "ruff" && .venv/bin/ruff check . && .venv/bin/ruff format --check .
echo "mypy" && .venv/bin/mypy
if command -v npm >/dev/null; then
    echo "tsc and biome"
    npm install --silent --no-audit --no-fund --no-package-lock
    node_modules/.bin/tsc --project tsconfig.json
    node_modules/.bin/biome ci --colors=off src/lossatlas
else
    echo "tsc and biome are skipped, because Node is not installed; CI runs them" >&2
fi
.venv/bin/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder "$@"
if [ $# = 0 ]; then  # what depends on the last bit of a number, with the kernels of older processors: under a minute
    .venv/bin/python -m scripts.processors .venv/bin/pytest --quiet -m "not browser" \
        tests/test_{activations,curvature,docs,engine,gradient,optimizers,rounding,runs,along_training,training}.py \
        tests/web/test_tour.py
fi
