"""Known vulnerabilities of the libraries that an SBOM lists; `make audit` runs it.

Asks PyPI by pip-audit. Without that service it reads an export of OSV (`ADVISORIES=all.zip`, from
https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip). Exits with 0 if none is known, 1
if one is, 3 if no source answered: then nothing was audited.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

NOT_AUDITED = 3
EXPORT = "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"
# The one that is audited is not asked for, as no index has it.
OURS = "rtau"


def libraries(sbom: Path) -> dict[str, str]:
    """Returns version by name of the libraries that a CycloneDX file lists, without rtau."""
    parts = json.loads(sbom.read_text(encoding="utf-8"))["components"]
    named = {canonicalize_name(part["name"]): part["version"] for part in parts}
    return {name: version for name, version in named.items() if name != OURS}


def known(installed: Mapping[str, str], export: Path) -> list[str]:
    """Returns a line per vulnerability of the installed versions that an export of OSV knows."""
    return [
        f"{name} {installed[name]}: {record['id']} {record.get('summary', '')}".rstrip()
        for record in _records(export)
        if "withdrawn" not in record
        for name in sorted({_name(affected) for affected in record.get("affected", [])})
        if name in installed and _is_affected(record, name, installed[name])
    ]


def asked(installed: Mapping[str, str]) -> list[str] | None:
    """Returns the same as PyPI's service knows it; None if it did not answer for every library."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, answer = Path(folder, "wanted.txt"), Path(folder, "answer.json")
        wanted.write_text("".join(f"{name}=={text}\n" for name, text in installed.items()))
        flags = ["--progress-spinner=off", "--no-deps", "--disable-pip", "--format=json"]
        command = ["pip-audit", *flags, "-o", str(answer), "-r", str(wanted)]
        subprocess.run(command, capture_output=True, check=False)
        if not answer.exists():
            return None
        found = json.loads(answer.read_text(encoding="utf-8"))["dependencies"]
    if any("skip_reason" in one for one in found) or len(found) < len(installed):
        return None
    return [
        f"{one['name']} {one['version']}: {vulnerability['id']}"
        for one in found
        for vulnerability in one["vulns"]
    ]


def _records(export: Path) -> list[dict[str, Any]]:
    """Returns the records of a zip file, one JSON file each.

    Raises:
        SystemExit: it is no such file, or holds none.
    """
    try:
        with zipfile.ZipFile(export) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            records = [json.loads(archive.read(name)) for name in names]
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        records, reason = [], str(error)
    else:
        reason = "no JSON file in it"
    if not records:
        print(f"rtau: NOT audited: {export} must be an export of OSV as {EXPORT}, got: {reason}")
        raise SystemExit(NOT_AUDITED)
    return records


def _name(affected: Mapping[str, Any]) -> str:
    """Returns the library of one entry; empty for another ecosystem's."""
    package = affected.get("package", {})
    is_python = package.get("ecosystem") == "PyPI"
    return canonicalize_name(package["name"]) if is_python else ""


def _is_affected(record: Mapping[str, Any], name: str, version: str) -> bool:
    """Evaluates the versions and ranges of a record as https://ossf.github.io/osv-schema says."""
    return any(
        version in affected.get("versions", ())
        or any(
            _holds(one["events"], Version(version))
            for one in affected.get("ranges", ())
            if one["type"] == "ECOSYSTEM"
        )
        for affected in record["affected"]
        if _name(affected) == name
    )


def _holds(events: list[dict[str, str]], version: Version) -> bool:
    """True where a version lies between an introduction and what ends it.

    True as well where versions cannot be compared: then somebody must look.
    """
    try:
        steps = sorted((Version(text), kind) for one in events for kind, text in one.items())
    except InvalidVersion:
        return True
    inside = False
    for at, kind in steps:
        if kind == "introduced" and at <= version:
            inside = True
        elif (kind == "fixed" and at <= version) or (kind == "last_affected" and at < version):
            inside = False
    return inside


def main(sbom: Path) -> int:
    """Prints what is known of the libraries of an SBOM; returns the exit code."""
    installed, export = libraries(sbom), os.environ.get("ADVISORIES")
    found = known(installed, Path(export)) if export else asked(installed)
    if found is None:
        print(
            "rtau: NOT audited: PyPI's advisory service did not answer for every library; fetch "
            f"{EXPORT} where there is a network, then: make audit ADVISORIES=all.zip"
        )
        return NOT_AUDITED
    print("\n".join(found) if found else f"no known vulnerability in {len(installed)} libraries")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
