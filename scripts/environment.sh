# serve.sh and test.sh source this file. It makes .venv with Python 3.11 or newer, or says what is missing.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi
}

# Installs some of Debian's packages in one go; if that fails, one by one, so that the lack of one keeps no other away.
need_debian_packages() {
    [ $# != 0 ] || return 0
    echo "Installing from Debian: $* …" >&2
    { as_root apt-get update -qq && install_debian_packages "$@"; } >&2 && return 0
    local name missing=()
    for name; do install_debian_packages "$name" >&2 || missing+=("$name"); done
    [ ${#missing[@]} = 0 ] ||
        { echo "Please install yourself (on Debian: apt-get install): ${missing[*]}. Then run this again." >&2; return 1; }
}

install_debian_packages() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"; }

make_venv() {
    local python
    python=$(command -v python3) || { need_debian_packages python3; python=$(command -v python3); }
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        { echo "Python 3.11 or newer is needed; $python is $("$python" --version)." >&2; exit 1; }
    "$python" -c 'import ensurepip, venv' 2>/dev/null || need_debian_packages python3-venv
    [ -x .venv/bin/python ] || echo 'Setting up .venv; the first time this takes a minute or two …' >&2
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
}
