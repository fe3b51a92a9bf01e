# Sourced by deploy/local/up and tests/run: one environment for both, in .venv/ of the checkout.

# environment LOCK...: makes the environment, and installs each lock that changed since it was last installed.
environment() {
    local python=${PYTHON:-python3} lock installed
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "CPython 3.11 or newer is needed; set PYTHON to one." >&2
        return 1
    fi
    # Pip comes last: without it, an earlier try was cut short or lacked a package of the system.
    if [ ! -x .venv/bin/pip ] && ! "$python" -m venv .venv; then
        echo "\"$python -m venv .venv\" failed; on Debian, install the package python3-venv." >&2
        return 1
    fi
    # The commands in it name the folder in which they were made.
    if ! grep -qF "$(pwd -P)/.venv/" .venv/bin/pip ||
        ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "The environment in .venv/ is of another folder or an older Python; remove it and try again." >&2
        return 1
    fi
    mkdir -p .venv/locks
    for lock in "$@"; do
        installed=.venv/locks/${lock//\//-}
        if ! cmp -s "$lock" "$installed"; then
            echo "Installing $lock into .venv/ ..."
            .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
                --requirement "$lock" || {
                echo "Installing $lock failed, see above; it needs PyPI, or the index that PIP_INDEX_URL names." >&2
                return 1
            }
            cp "$lock" "$installed"
        fi
    done
}
