# Sourced by deploy/local/up and tests/run: one environment for both, in .venv/ of the checkout.

# environment LOCK...: makes the environment, and installs each lock that changed since it was last installed.
environment() {
    local python=${PYTHON:-python3} lock installed
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "CPython 3.11 or newer is needed; set PYTHON to one." >&2
        return 1
    fi
    if [ ! -x .venv/bin/python ] && ! "$python" -m venv .venv; then
        echo "\"$python -m venv .venv\" failed; on Debian, install the package python3-venv." >&2
        return 1
    fi
    mkdir -p .venv/locks
    for lock in "$@"; do
        installed=.venv/locks/${lock//\//-}
        if ! cmp -s "$lock" "$installed"; then
            echo "Installing $lock into .venv/ ..."
            .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
                --requirement "$lock" || return 1
            cp "$lock" "$installed"
        fi
    done
}
