#!/bin/sh
# Prints a Python between 3.10 and 3.14 that can make virtual environments; `make` calls it.
# Asks every candidate what it is: a pyenv shim is on the path even where it would refuse to run.
for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11 python3.10; do
    "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' \
        2>/dev/null || continue
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        command -v "$candidate"
        exit 0
    fi
    without_venv=$candidate
done
if [ -n "${without_venv:-}" ]; then
    echo "rtau: $without_venv has no venv module; run: sudo apt-get update &&" \
        "sudo apt-get install -y $(basename "$without_venv")-venv" >&2
else
    echo "rtau: no Python 3.10 to 3.14 found (make PYTHON=/path/to/python3 names one); run:" \
        "sudo apt-get update && sudo apt-get install -y python3 python3-venv" >&2
fi
exit 1
