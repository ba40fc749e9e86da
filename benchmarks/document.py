"""Puts a measurement into a document between its script's markers, with machine and commit.

Measures nothing; called by the scripts of this folder that write a page of docs/.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

from rtau.runs.bench.machine import OF_BYTES, load, machine, revision


def write_measured(document: Path, text: str, /, *, script: str) -> None:
    """Puts the text between the script's markers; what else the document says stays.

    Raises:
        SystemExit: the document has no such markers.
    """
    begin, end = (f"<!-- measured by {script}: {side} -->" for side in ("begin", "end"))
    page = document.read_text(encoding="utf-8")
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"{document}: must hold the lines {begin} and {end} once each")
    head, rest = page.split(begin)
    tail = rest.split(end)[1]
    document.write_text(f"{head}{begin}\n{text.strip()}\n{end}{tail}", encoding="utf-8")


def publish(text: str, /, *, document: Path | None, script: str) -> None:
    """Prints a measurement, and puts it into a document if one is given.

    Raises:
        SystemExit: as `write_measured`.
    """
    sys.stdout.write(text + "\n")
    if document is not None:
        write_measured(document, text, script=script)


def origin(*packages: str) -> str:
    """Returns one line: commit, processor, cores, load, and the versions of some packages."""
    commit, is_dirty = revision()
    name = "none" if commit is None else f"{commit[:10]}{'-dirty' if is_dirty else ''}"
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return f"Commit {name}; {processor()}, load {load() or 0:.1f}; {versions}."


def loads(before: float) -> str:
    """Returns one sentence: the load of the machine before a measurement and now."""
    return (
        f"Load of the machine (jobs that want a core, of this and of other programs): {before:.1f} "
        f"before, {load() or 0.0:.1f} at the end."
    )


def processor() -> str:
    """Returns the CPU's name, its cores and its instruction sets for multiplication."""
    here = machine()
    lacks = [] if set(here.instructions) & set(OF_BYTES) else ["no VNNI"]
    return f"{here.cpu}, {here.cores} cores, " + ", ".join([*here.instructions, *lacks])
