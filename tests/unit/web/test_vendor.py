"""The vendored plot library is the published one, with its licence."""

import hashlib

import pytest

from tests.architecture.tree import ROOT

VENDOR = ROOT / "rtau" / "web" / "vendor"
# As in npm's uplot-1.6.32.tgz.
PUBLISHED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "LICENSE.uPlot.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_vendored_file_is_the_published_one(name):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == PUBLISHED[name]


def test_every_vendored_file_is_one_that_is_checked():
    assert {path.name for path in VENDOR.iterdir()} == set(PUBLISHED)
