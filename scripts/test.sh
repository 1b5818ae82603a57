#!/usr/bin/env bash
# Sets up everything in .venv and passes every check and test: bash scripts/test.sh [options of pytest]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
trap wait EXIT  # a check that fails leaves nothing behind that still runs
# Chromium without windows takes a third less processor time; without it, Chromium itself is used. Some tests run in
# Firefox and in WebKit as well, and are skipped where these are missing.
packages=()
for each in chromium chromium-headless-shell firefox-esr WebKitWebDriver:webkit2gtk-driver Xvfb:xvfb; do
    command -v "${each%:*}" >/dev/null || packages+=("${each#*:}")
done
# Debian starts nginx when it is installed, so that only CI installs it. Its test is skipped without it.
[ "${CI:-}" != true ] || command -v nginx >/dev/null || packages+=(nginx)
unset PYTHONDONTWRITEBYTECODE  # otherwise each of the many processes compiles the package and the tests again
make_venv
need_debian_packages "${packages[@]}" &  # the checks need none of them
browsers=$!
# Of the dependencies, only what is imported is compiled, when it is imported first: half of the time to install them.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
    --editable ".[fast]" --group dev --group oracle

check_page() {
    if command -v npm >/dev/null; then
        npm install --silent --no-audit --no-fund --no-package-lock
        node_modules/.bin/tsc --project tsconfig.json
        node_modules/.bin/biome ci --colors=off src/lossatlas
    else
        echo "tsc and biome are skipped, because Node is not installed; CI runs them" >&2
    fi
}
echo "ruff, mypy, tsc and biome"
check_page &
checking=$!
.venv/bin/pytest --collect-only --quiet "$@" >/dev/null 2>&1 &  # compiles the tests, once for all processes of pytest
collecting=$!
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
wait $checking
wait $collecting || true  # the tests say what is wrong
wait $browsers || command -v chromium >/dev/null || exit 1
# Tests also wait: with only one process more than there are cores, an eighth of their time is left over.
.venv/bin/pytest --numprocesses $(($(nproc) + 2)) --dist loadfile --no-loadscope-reorder "$@"
if [ $# = 0 ]; then  # what depends on the last bit of a number, with the kernels of older processors: under a minute
    .venv/bin/python -m scripts.processors .venv/bin/pytest --quiet -m "not browser" \
        tests/test_{activations,curvature,docs,engine,gradient,optimizers,rounding,runs,along_training,training}.py \
        tests/web/test_tour.py
fi
