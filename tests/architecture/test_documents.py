"""Documents that are true: their tree, their links, their commands and their words."""

import collections
import functools
import importlib
import io
import re
import shlex
import tokenize

import pytest

from tests.architecture.tree import DOCUMENTS, FILES, PYTHON_FILES, ROOT
from tools import draw_tree

README_LINES = 150
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
PARSERS = {
    "rtau": "rtau.cli.parser",
    "rtau-train": "rtau_train.commands.main",
    "rtau-export": "rtau_export.cli",
}


def relative(path):
    return str(path.relative_to(ROOT))


def text_of(path):
    return path.read_text(encoding="utf-8")


def anchors(document):
    """Returns the anchors GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document), flags=re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {words.replace(" ", "-") for words in plain}


def commands():
    """Yields (document, command) for every shell line of a document that calls one of our tools."""
    for path in DOCUMENTS:
        for language, block in FENCE.findall(text_of(path)):
            if language not in {"sh", "console", "bash"}:
                continue
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line.removeprefix("$ "), comments=True)
                if words and words[0].rpartition("/")[2] in {*PARSERS, "make"}:
                    yield pytest.param(path, words, id=f"{relative(path)}: {' '.join(words)}")


def parser_of(tool):
    if tool != "rtau":
        pytest.importorskip("torch", reason="training and export need torch")
    return importlib.import_module(PARSERS[tool]).build_parser()


def test_the_readme_is_short():
    assert len(text_of(ROOT / "README.md").splitlines()) < README_LINES


def test_the_tree_in_the_architecture_is_the_real_one():
    document = text_of(draw_tree.DOCUMENT)
    assert draw_tree.drawn(document) == draw_tree.draw(), "run `make docs` and commit the result"


def test_every_folder_is_in_the_tree():
    described = {*draw_tree.FOLDERS, *map(str, draw_tree.PACKAGES)}
    tops = {name.split("/")[0] for name in described}
    folders = {path.relative_to(ROOT).parts[0] for path in FILES if path.parent != ROOT}
    assert folders - {".ci", ".github"} == tops


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_no_link_is_dead(path):
    dead = []
    for target in LINK.findall(FENCE.sub("", text_of(path))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        aim = (path.parent / file).resolve() if file else path
        if not aim.exists() or (anchor and anchor not in anchors(text_of(aim))):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_every_file_a_document_names_exists(path):
    tops = "|".join(sorted({file.relative_to(ROOT).parts[0] for file in FILES}))
    named = re.findall(rf"`((?:{tops})/[\w/.-]+\.(?:py|md|toml|sh|csv|mp4))`", text_of(path))
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_decision_is_in_the_index_and_is_dated():
    index = text_of(ROOT / "docs" / "adr" / "README.md")
    decisions = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [path.name[:4] for path in decisions] == [
        f"{n:04d}" for n in range(1, len(decisions) + 1)
    ]
    for path in decisions:
        assert f"({path.name})" in index
        assert re.search(r"^\d{4}-\d{2}-\d{2}, ", text_of(path), flags=re.MULTILINE)
        assert "Considered and rejected" in text_of(path)


def test_there_are_commands_to_try():
    assert len(list(commands())) >= 10


@pytest.mark.parametrize(("path", "words"), list(commands()))
def test_every_command_in_the_documents_is_one_the_tools_take(path, words):
    tool = words[0].rpartition("/")[2]
    if tool == "make":
        targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), flags=re.MULTILINE))
        assert {word for word in words[1:] if "=" not in word} <= targets
        return
    parser_of(tool).parse_args(words[1:])


def test_every_make_target_in_the_text_exists():
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), flags=re.MULTILINE))
    for path in DOCUMENTS:
        named = set(re.findall(r"`make ([a-z-]+)`", text_of(path)))
        assert named <= targets, relative(path)


def avoided(quote):
    """Returns the words in the glossary's last column that stand between these signs."""
    rows = re.findall(r"^\| \*\*.*\|([^|]*)\|$", text_of(ROOT / "docs/glossary.md"), re.MULTILINE)
    sign = re.escape(quote)
    return [word for row in rows for word in re.findall(rf"{sign}([^`*]+){sign}", row)]


@pytest.mark.parametrize("word", avoided("`"))
def test_a_word_the_glossary_avoids_is_in_no_document(word):
    pattern = re.compile(rf"\b{re.escape(word)}s?\b", flags=re.IGNORECASE)
    used = [p for p in DOCUMENTS if p.name != "glossary.md" and pattern.search(text_of(p))]
    assert [relative(path) for path in used] == []


def words_of(name):
    """Returns the words of a name, in small letters: `_make_Crew`, `makeCrews` -> make, crew."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    return [part.lower().removesuffix("s") for part in parts]


@functools.cache
def names_in_code():
    """Returns every name in the code, with its words and the files it is in.

    Names of tests are sentences, which may hold any word.
    """
    files = collections.defaultdict(set)
    for path in PYTHON_FILES:
        for token in tokenize.generate_tokens(io.StringIO(text_of(path)).readline):
            if token.type == tokenize.NAME and not token.string.startswith("test_"):
                files[token.string].add(relative(path))
    return {name: (words_of(name), sorted(where)) for name, where in files.items()}


def test_names_are_split_into_words():
    assert words_of("_make_Crew") == words_of("makeCrews") == ["make", "crew"]
    assert words_of("boxes_xyxy") == ["boxe", "xyxy"]
    assert len(names_in_code()) > 1000


@pytest.mark.parametrize("word", avoided("`") + avoided("*"))
def test_a_word_the_glossary_avoids_is_in_no_name(word):
    wanted = [part.removesuffix("s") for part in re.split(r"[ _]", word.lower())]
    size = len(wanted)
    used = [
        f"{name} in {', '.join(where)}"
        for name, (words, where) in names_in_code().items()
        if any(words[k : k + size] == wanted for k in range(len(words) - size + 1))
    ]
    assert used == []
