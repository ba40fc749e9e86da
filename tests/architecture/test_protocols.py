"""Every implementation of a protocol is listed in the contract test of that protocol."""

import ast
import inspect

import pytest

from rtau import protocols
from tests.architecture.tree import ROOT

# Protocol -> the packages whose classes implement it.
HOMES = {
    "Source": "sources",
    "Detector": "faces/detectors",
    "Tracker": "faces",
    "Aligner": "faces",
    "Engine": "backends",
    "Sink": "sinks",
}


def members(protocol):
    """Returns the public methods and properties a class must have to be one."""
    return {name for name in vars(getattr(protocols, protocol)) if not name.startswith("_")} | (
        {"__iter__"} if protocol == "Source" else set()
    )


def classes_in(package):
    """Returns class name -> its own and its local bases' member names, from the sources alone."""
    found = {}
    for path in sorted((ROOT / "rtau" / package).glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = (path, node)
    return {name: _member_names(name, found) for name in found}


def _member_names(name, found):
    node = found[name][1]
    names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
    names |= {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}
    for item in ast.walk(node):
        if isinstance(item, ast.Assign):
            names |= {target.id for target in item.targets if isinstance(target, ast.Name)}
        if isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Store):
            names.add(item.attr)  # self.contract = ...
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in found:
            names |= _member_names(base.id, found)
    return names


def implementations(protocol):
    wanted = members(protocol)
    classes = classes_in(HOMES[protocol])
    return [name for name, have in classes.items() if wanted <= have and not name.startswith("_")]


def test_the_protocols_are_the_five():
    found = {
        name
        for name, kind in vars(protocols).items()
        if inspect.isclass(kind) and getattr(kind, "_is_protocol", False) and name != "Protocol"
    }
    assert found == set(HOMES)


@pytest.mark.parametrize("protocol", HOMES)
def test_every_implementation_is_in_the_contract_test_its_docstring_names(protocol):
    contract_test = ROOT / "tests" / "contracts" / f"test_{protocol.lower()}.py"
    assert f"tests/contracts/{contract_test.name}" in getattr(protocols, protocol).__doc__
    text = contract_test.read_text(encoding="utf-8")
    found = implementations(protocol)
    assert found, f"no implementation of {protocol} in rtau/{HOMES[protocol]}"
    assert [name for name in found if name not in text] == []
