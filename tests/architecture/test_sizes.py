"""Files and functions small enough to be read in one go (docs/architecture.md, section 5)."""

import ast

import pytest

from tests.architecture.tree import PYTHON_FILES, ROOT

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
# Path -> why it may be longer. Keep it empty, or short and shrinking.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}::{node.name}", node.end_lineno - node.lineno + 1


def test_there_is_code_to_measure():
    assert len(PYTHON_FILES) > 20


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_go(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_FILE_LINES or str(path.relative_to(ROOT)) in LONG_FILES
    long = {name: size for name, size in functions(path) if size > MAX_FUNCTION_LINES}
    assert long.keys() <= LONG_FUNCTIONS.keys()


def test_no_exception_outlives_its_reason():
    files = {str(path.relative_to(ROOT)): path for path in PYTHON_FILES}
    for name in LONG_FILES:
        assert len(files[name].read_text(encoding="utf-8").splitlines()) > MAX_FILE_LINES
    sizes = {name: size for path in PYTHON_FILES for name, size in functions(path)}
    for name in LONG_FUNCTIONS:
        assert sizes[name] > MAX_FUNCTION_LINES
