"""Draws the tree of the repository into docs/architecture.md, a line per module.

What a line says is the first line of the module's own docstring, so it is written once. `make docs`
calls it; a test compares what it draws with what the document holds.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- drawn by `make docs` -->"
END = "<!-- end of the drawing -->"
WIDTH = 28
# Packages whose modules are drawn one by one.
PACKAGES = (Path("rtau"), Path("train/rtau_train"), Path("export/rtau_export"))
# Every other folder with what it holds.
FOLDERS = {
    "train/recipes": "one TOML file per training run: the lab record",
    "engines": "the models rtau ships: `<name>.onnx`, its contract `.json`, its card `.md`",
    "examples": "programs that use the Python interface, a notebook, the sample clip, portraits",
    "benchmarks": "speed of the stages, and the results by version and machine",
    "tests": "unit/ mirrors rtau/; contracts/: a module per protocol; faults/, fuzz/: broken input",
    "docker": "images for a CPU, for Jetson boards and for PCs with an NVIDIA GPU",
    "tools": "scripts the Makefile calls",
    "docs": "for users and for maintainers; the index is docs/README.md",
}


def summary(path: Path) -> str:
    """Returns the first line of a module's docstring without its full stop."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].removesuffix(".")


def package_lines(folder: Path, *, depth: int = 0) -> Iterator[str]:
    """Yields a line for a package, its modules and its subpackages."""
    name = folder.name if depth else str(folder.relative_to(ROOT))
    yield _line(f"{name}/", summary(folder / "__init__.py"), depth=depth)
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield _line(path.name, summary(path), depth=depth + 1)
    for child in sorted(folder.iterdir()):
        if (child / "__init__.py").is_file():
            yield from package_lines(child, depth=depth + 1)


def _line(name: str, words: str, *, depth: int) -> str:
    return f"{'  ' * depth + name:{WIDTH}} {words}".rstrip()


def draw() -> str:
    """Returns the drawing with its markers, as it stands in the document."""
    lines = [line for folder in PACKAGES for line in package_lines(ROOT / folder)]
    lines += [_line(f"{folder}/", words, depth=0) for folder, words in FOLDERS.items()]
    return "\n".join([BEGIN, "```text", *lines, "```", END])


def drawn(document: str) -> str:
    """Returns the part of a document between the markers, markers included."""
    return document[document.index(BEGIN) : document.index(END) + len(END)]


def main() -> int:
    """Rewrites the drawing in the document; returns 0."""
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(text.replace(drawn(text), draw()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
