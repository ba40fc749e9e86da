"""Prints the structure of a checkout: rooms, imports between them, lengths of files and functions.

A room is an entry at the top of a package: a module or a subpackage. An arrow is a pair of rooms
one of which imports the other, however often. Reads the source and imports none of it.

    python tools/structure.py [PATH] [--against PATH] [--json]
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("rtau", "train/rtau_train", "export/rtau_export", "benchmarks", "tools")
# What is compared between two checkouts, with its heading.
TOTALS = {
    "entries": "entries at the top",
    "arrows": "arrows between them",
    "modules": "modules",
    "lines": "lines",
    "file_lines_median": "file, median lines",
    "file_lines_p90": "file, p90",
    "function_lines_median": "function, median lines",
    "function_lines_p90": "function, p90",
}


@dataclass(frozen=True, slots=True)
class Room:
    """An entry at the top of a package."""

    name: str
    """Module or subpackage, without the package's own name."""
    modules: dict[str, int]
    """Modules by the package they are in: the room itself, and the packages inside it."""
    lines: int
    """Lines of all of its files."""
    imports: tuple[str, ...]
    """Other rooms of the same package that it imports, sorted."""


@dataclass(frozen=True, slots=True)
class Package:
    """The figures of one package of a checkout."""

    name: str
    rooms: tuple[Room, ...]
    entries: int
    arrows: int
    modules: int
    lines: int
    file_lines_median: float
    file_lines_p90: float
    function_lines_median: float
    function_lines_p90: float


def measure(root: Path, /) -> list[Package]:
    """Returns the figures of every package that the checkout has."""
    return [_package(root / folder) for folder in PACKAGES if any((root / folder).rglob("*.py"))]


def _package(folder: Path) -> Package:
    paths = sorted(folder.rglob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    files = [len(text.splitlines()) for text in texts.values()]
    functions = [length for tree in trees.values() for length in _function_lengths(tree)]
    rooms_of = {path: path.relative_to(folder).parts[0].removesuffix(".py") for path in paths}
    names = sorted(set(rooms_of.values()) - {"__init__"})
    rooms = []
    for name in names:
        own = [path for path in paths if rooms_of[path] == name]
        targets = {target for path in own for target in _imports(trees[path], folder.name)}
        modules: dict[str, int] = {}
        for path in own:
            where = ".".join(path.parent.relative_to(folder).parts) or name
            modules[where] = modules.get(where, 0) + (path.name != "__init__.py")
        lines = sum(len(texts[path].splitlines()) for path in own)
        imports = tuple(sorted(targets & set(names) - {name}))
        rooms.append(Room(name, modules=modules, lines=lines, imports=imports))
    return Package(
        folder.name,
        rooms=tuple(rooms),
        entries=len(rooms),
        arrows=sum(len(room.imports) for room in rooms),
        modules=sum(sum(room.modules.values()) for room in rooms),
        lines=sum(files),
        file_lines_median=statistics.median(files),
        file_lines_p90=_p90(files),
        function_lines_median=statistics.median(functions or [0]),
        function_lines_p90=_p90(functions or [0]),
    )


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Yields the rooms of a package that a module imports, in functions and for types too."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            first, _, rest = name.partition(".")
            if first == package and rest:
                yield rest.partition(".")[0]


def _function_lengths(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def _p90(values: Sequence[int]) -> int:
    """Returns the smallest value that nine tenths of the values do not exceed."""
    return sorted(values)[math.ceil(0.9 * len(values)) - 1]


def table(package: Package, before: Package | None = None) -> Iterator[str]:
    """Yields the lines that show a package, beside an older state of it where one is given."""
    yield package.name
    for field, words in TOTALS.items():
        now = getattr(package, field)
        old = "" if before is None else f"{getattr(before, field):>10g} ->"
        yield f"  {words:24}{old}{now:>8g}"
    yield f"  {'room':24}{'modules':>8}{'lines':>8}  imports"
    for room in package.rooms:
        words = f"{len(room.imports):>3}  {', '.join(room.imports)}"
        yield f"  {room.name:24}{sum(room.modules.values()):>8}{room.lines:>8}{words}".rstrip()
        for name, modules in room.modules.items():
            if name != room.name:
                yield f"    {name:22}{modules:>8}"


def main(arguments: Iterable[str] | None = None) -> int:
    """Prints the figures of a checkout; returns 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("path", nargs="?", type=Path, default=ROOT, help="checkout (this one)")
    parser.add_argument("--against", type=Path, help="an older checkout to compare with")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(None if arguments is None else list(arguments))
    states = {"now": measure(args.path)}
    if args.against is not None:
        states["before"] = measure(args.against)
    if args.json:
        found = {key: [asdict(one) for one in packages] for key, packages in states.items()}
        print(json.dumps(found if args.against else found["now"], indent=2))
        return 0
    older = {package.name: package for package in states.get("before", [])}
    for package in states["now"]:
        print("\n".join([*table(package, older.get(package.name)), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
