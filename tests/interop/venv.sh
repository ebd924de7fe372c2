# Makes virtual environments below the build directory. Sourced by the other scripts, which set $target.
#
#   old_python                              prints the name of a Python from 3.8 to 3.11
#   make_venv NAME PYTHON MODULES PACKAGES  sets $python to that of $target/NAME, which PYTHON makes and pip fills with
#                                           PACKAGES unless it can import MODULES

# Pillow 9.5 has no builds for Python 3.12 and later, so the function looks for an older Python.
old_python() {
    for candidate in python3 python3.11 python3.10 python3.9 python3.8; do
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info >= (3, 12))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo 'Pillow 9.5 needs a Python from 3.8 to 3.11, and none is installed' >&2
    return 1
}

make_venv() {
    python="$target/$1/bin/python"
    if ! "$python" -c "import $3" 2>/dev/null; then
        "$2" -m venv "$target/$1"
        # shellcheck disable=SC2086
        "$python" -m pip install --quiet --disable-pip-version-check $4
    fi
}
