# serve.sh and test.sh source this file. It makes .venv with Python 3.11 or newer, or says what is missing.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi
}

need_debian_package() {
    echo "Installing Debian's package $1 …" >&2
    { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1"; } >&2 ||
        { echo "Please install $1 yourself (on Debian: apt-get install $1), then run this again." >&2; exit 1; }
}

make_venv() {
    local python
    python=$(command -v python3) || { need_debian_package python3; python=$(command -v python3); }
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        { echo "Python 3.11 or newer is needed; $python is $("$python" --version)." >&2; exit 1; }
    "$python" -c 'import ensurepip, venv' 2>/dev/null || need_debian_package python3-venv
    [ -x .venv/bin/python ] || echo 'Setting up .venv; the first time this takes a minute or two …' >&2
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
}
