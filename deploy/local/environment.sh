# Sourced by deploy/local/up and tests/run: one environment for both, in .venv/ of the checkout.

# environment LOCK...: makes the environment, and installs each lock that changed since it was last installed.
environment() {
    local python=${PYTHON:-python3} lock installed quiet=--quiet
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "CPython 3.11 or newer is needed; set PYTHON to one." >&2
        return 1
    fi
    # Pip comes last: without it, an earlier try was cut short or lacked a package of the system.
    if [ ! -x .venv/bin/pip ]; then
        changeable || return 1
        echo "Making the environment in .venv/ ..."
        if ! "$python" -m venv .venv; then
            echo "\"$python -m venv .venv\" failed; on Debian, install the package python3-venv." >&2
            return 1
        fi
    fi
    # The commands in it name the folder in which they were made.
    if ! grep -qsF "$(pwd -P)/.venv/" .venv/bin/pip ||
        ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        changeable || return 1
        echo "The environment in .venv/ is of another folder or an older Python; remove it and try again." >&2
        return 1
    fi
    # On a terminal, pip shows what it downloads, which takes minutes on a slow line.
    [ ! -t 1 ] || quiet=
    for lock in "$@"; do
        installed=.venv/locks/${lock//\//-}
        if ! cmp -s "$lock" "$installed"; then
            changeable || return 1
            echo "Installing $lock into .venv/ ..."
            # shellcheck disable=SC2086 # empty, or one option
            .venv/bin/python -m pip install $quiet --disable-pip-version-check --require-hashes \
                --requirement "$lock" || {
                echo "Installing $lock failed, see above; it needs PyPI, or the index that PIP_INDEX_URL names." >&2
                return 1
            }
            mkdir -p .venv/locks
            cp "$lock" "$installed"
        fi
    done
}

# Whether .venv/ can be made or changed; if not, it says why.
changeable() {
    if [ ! -w . ]; then
        echo "$PWD cannot be written to, and .venv/ is made there; copy the checkout to a folder of yours." >&2
    elif [ -e .venv ] && [ ! -w .venv ]; then
        echo ".venv/ belongs to $(stat -c %U .venv), and you may not change it; remove it, or use another copy" \
            "of the checkout." >&2
    else
        return 0
    fi
    return 1
}
