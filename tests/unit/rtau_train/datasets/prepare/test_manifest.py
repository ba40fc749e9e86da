import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.errors import SourceOpenError, UsageError
from rtau_train.datasets.prepare.manifest import manifest_file, read_manifest
from rtau_train.datasets.prepare.values import PRESENT
from tests.support.prepared import write_csv, write_picture


def row(image="a.png", subject="p1", au1="3", au12="0.5", **others):
    return {"image": image, "subject": subject, "AU1": au1, "AU12": au12, **others}


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        write_picture(tmp_path / name)
    return tmp_path


def listed(folder, *rows, kind="intensity"):
    """Returns the listing of a manifest beside the pictures it names, and one for its last row."""
    write_csv(folder / "manifest.csv", list(rows))
    for name in ("a.png", "b.png", "c.png"):
        if all(one.get("image") != name for one in rows):
            (folder / name).unlink(missing_ok=True)
        elif not (folder / name).exists():
            write_picture(folder / name)
    return read_manifest(folder, kind=kind)


def rejected(folder, *rows, kind="intensity"):
    """Returns the reasons of a manifest whose last row is in order."""
    good = dict.fromkeys(rows[0], "") | row("c.png")
    if kind == "emotion":
        good["emotion"] = "fear"
    if "split" in rows[0]:
        good["split"] = "test"
    good = {name: good.get(name, "") for name in rows[0]}
    listing = listed(folder, *rows, good, kind=kind)
    assert [image.name for image in listing.images] == ["c.png"]
    return [(rejection.name, rejection.reason) for rejection in listing.rejections]


def test_a_row_becomes_an_image(folder):
    listing = listed(folder, row(split="test", sex="f"), row("b.png", "p2", "", "5", split="train"))

    first, second = listing.images
    assert listing.labels == ("AU01", "AU12")
    assert (first.name, first.path, first.subject) == ("a.png", folder / "a.png", "p1")
    assert first.labels == {"AU01": 3, "AU12": 0.5}
    assert (first.split, first.columns) == ("test", {"sex": "f"})
    assert second.labels == {"AU12": 5}
    assert listing.rejections == ()


def test_occurrences_are_stored_as_none_or_all(folder):
    (image,) = listed(folder, row(au1="1", au12="0"), kind="occurrence").images

    assert image.labels == {"AU01": PRESENT, "AU12": 0}


def test_emotions_are_classes_and_aus_are_left_out(folder):
    listing = listed(folder, row(emotion="Happy"), row("b.png", emotion="pain"), kind="emotion")

    assert listing.task == "multi_class"
    assert listing.labels == ("happiness", "pain")
    assert listing.images[0].labels == {}
    assert listing.notes == ("AU1, AU12 left out: --labels emotion",)


def test_aus_come_in_the_order_of_their_numbers(folder):
    (image,) = listed(folder, {"AU25": "1", "image": "a.png", "AU04": "2", "subject": "p"}).images

    assert list(image.labels) == ["AU04", "AU25"]


def test_an_au_rtau_does_not_know_is_left_out_and_said(folder):
    listing = listed(folder, row(AU43="5"))

    assert listing.labels == ("AU01", "AU12")
    assert listing.images[0].columns == {}
    assert listing.notes == ("column AU43 is left out: rtau has no such AU",)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"image": "none.png"}, "there is no such file"),
        ({"subject": ""}, "subject is empty; name the person in every row"),
        ({"au1": "7"}, "AU1: an intensity must be a number from 0 to 5, got '7'"),
        ({"au12": "x"}, "AU12: an intensity must be a number from 0 to 5, got 'x'"),
        ({"au1": "", "au12": ""}, "no AU is coded"),
        ({"split": "dev"}, "split must be one of train, validation, test, got 'dev'"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(folder, wrong, reason):
    wrong_row = row(**wrong)

    assert rejected(folder, wrong_row) == [(wrong_row["image"], reason)]


def test_a_row_without_an_image_is_named_by_its_number(folder):
    assert rejected(folder, row("")) == [("manifest.csv, data row 1", "image is empty")]


def test_a_split_is_for_all_rows_or_none(folder):
    listing = listed(folder, row(split=""), row("b.png", split=""))
    assert [image.split for image in listing.images] == ["", ""]

    ((name, reason),) = rejected(folder, row(split=""))
    assert (name, reason) == (
        "a.png",
        "split must be one of train, validation, test, got ''",
    )


def test_an_image_listed_twice_counts_once(folder):
    listing = listed(folder, row(), row("./a.png"), row("b.png"))

    assert [image.name for image in listing.images] == ["a.png", "b.png"]
    assert listing.rejections[0].reason == "listed again in data row 2; row 1 is kept"


def test_an_empty_emotion_is_a_rejection(folder):
    assert rejected(folder, row(emotion=""), kind="emotion") == [("a.png", "emotion is empty")]


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"subject": "p"}, SourceOpenError, "column image is missing; there are subject; expected"),
        ({"image": "a.png"}, SourceOpenError, "column subject is missing"),
        ({"image": "a.png", "subject": "p"}, SourceOpenError, "no column is an AU"),
        (row(source="x"), UsageError, "column source must be renamed"),
        (row(AU01="2"), UsageError, "two columns are AU01"),
        (row("none.png"), SourceOpenError, "none of 1 rows can be used; the first: none.png: th"),
    ],
)
def test_a_wrong_manifest_is_an_error(folder, wrong, error, said):
    with pytest.raises(error, match=said):
        listed(folder, wrong)


def test_the_manifest_is_found_or_asked_for(tmp_path):
    with pytest.raises(SourceOpenError, match=r"there is no manifest; expected manifest\.csv wi"):
        manifest_file(tmp_path)
    (tmp_path / "manifest.csv").touch()
    assert manifest_file(tmp_path) == tmp_path / "manifest.csv"
    (tmp_path / "manifest.parquet").touch()
    with pytest.raises(UsageError, match="name the one to read"):
        manifest_file(tmp_path)
    assert manifest_file(tmp_path / "manifest.csv") == tmp_path / "manifest.csv"


CELLS = st.one_of(
    st.just(""),
    st.floats(0, 5).map(repr),
    st.sampled_from(["7", "-1", "nan", "x"]),
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_every_row_is_kept_or_rejected(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("manifest")
    rows = [row(f"{index}.png", au1=a, au12=b) for index, (a, b) in enumerate(cells)]
    for each in rows:
        (folder / each["image"]).touch()
    usable = [
        each["image"]
        for each in rows
        if {each["AU1"], each["AU12"]}.isdisjoint({"7", "-1", "nan", "x"})
        and (each["AU1"] or each["AU12"])
    ]
    if not usable:
        with pytest.raises(SourceOpenError, match="none of"):
            listed(folder, *rows)
        return

    listing = listed(folder, *rows)

    assert [image.name for image in listing.images] == usable
    assert {r.name for r in listing.rejections} == {each["image"] for each in rows} - set(usable)
