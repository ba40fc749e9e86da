"""Every command on the pages for labs, clinics, UX teams and animation runs as it stands there."""

import re
import shlex

import pytest

from rtau.cli.main import main
from tests.architecture.test_documents import FENCE, text_of
from tests.architecture.tree import ROOT
from tests.support.commands import example_frames
from tests.support.media import write_clip

PAGES = ("for-labs.md", "for-clinics.md", "for-ux.md", "for-animation.md")
ONE_SCREEN = 45
FRAMES = 20


def commands(name):
    for language, block in FENCE.findall(text_of(ROOT / "docs" / name)):
        assert language == "sh"
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the recordings that the pages name: the sample clip's first frames."""
    clip = write_clip(tmp_path / "take.mp4", example_frames(FRAMES), fps=25)
    for place in ("session.mp4", "recordings/a.mp4", "sessions/a.mp4"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(clip.read_bytes())
    (tmp_path / "coder").mkdir()
    (tmp_path / "coder" / "a.csv").write_text("onset,offset,au\n0.1,0.3,AU12\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.needs_onnxruntime
@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_run(name, workplace):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    ran = 0
    for tool, *arguments in commands(name):
        assert tool == "rtau"
        assert main(arguments) == 0, arguments
        ran += 1
    assert ran >= 3
    written = re.findall(r"--out (\S+)", text_of(ROOT / "docs" / name))
    assert all((workplace / path).exists() for path in written)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_one_screen_and_says_what_not_to_conclude(name):
    text = text_of(ROOT / "docs" / name)
    assert len(text.splitlines()) <= ONE_SCREEN
    assert "**Do not conclude**" in text
    assert "(uses.md)" in text
