import dataclasses

import numpy as np
import pytest

from rtau.errors import SinkError, SourceOpenError, UsageError
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.synth import sampling, writer
from rtau_train.synth.picture import COLUMNS, Picture

LABELS = tuple(f"AU{au:02d}" for au in sampling.LABELLED)


@pytest.fixture
def order(tmp_path):
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "a.npz").write_bytes(b"12345")
    return writer.Order(assets=assets, out=tmp_path / "out", count=150, seed=7, size=16)


@pytest.fixture(autouse=True)
def made_up_pictures(monkeypatch):
    """Pictures that tell their number; the renderer has its own tests."""

    def make(studio, *, seed, index):
        image = np.full((16, 16, 3), (seed * 31 + index) % 256, np.uint8)
        points = np.full((68, 2), index, np.float32)
        row = dict.fromkeys(COLUMNS[1:], "0") | {"AU01": f"{index % 5}.50"}
        return Picture(image, points, row)

    monkeypatch.setattr(writer, "make_picture", make)


def write(order, parts=None):
    writer.begin(order)
    for part in order.missing() if parts is None else parts:
        list(writer.write_part(None, order, part))
    return writer.assemble(order)


def contents(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_training_reads_what_was_written(order):
    assert write(order) == 150

    data = read_folder(order.out, labels=LABELS)
    assert len(data) == 150
    np.testing.assert_array_equal(data.landmarks[:, 0, 0], np.arange(150))
    np.testing.assert_allclose(data.targets[:, 0], np.arange(150) % 5 + 0.5)
    assert data.images(np.array([3]))[0, 8, 8, 0] == pytest.approx(7 * 31 + 3, abs=2)
    assert {"sex", "ethnicity", "age_group", "skin_tone", "lighting"} <= data.columns.keys()


def test_parts_cover_every_picture_once(order):
    numbers = [number for part in order.parts() for number in part]

    assert numbers == list(range(150))


def test_a_resumed_folder_is_the_same_as_one_written_at_once(order, tmp_path):
    write(order, parts=order.parts()[1:2])
    write(order)
    whole = dataclasses.replace(order, out=tmp_path / "whole")
    write(whole)

    assert contents(order.out) == contents(whole.out)


def test_half_a_set_is_usable(order):
    assert write(order, parts=order.parts()[:1]) == writer.PART_PICTURES
    assert len(read_folder(order.out, labels=LABELS)) == writer.PART_PICTURES


def test_a_set_can_grow(order):
    write(order)
    grown = dataclasses.replace(order, count=200)

    assert write(grown) == 200
    assert len(read_folder(order.out, labels=LABELS)) == 200


@pytest.mark.parametrize(("field", "value"), [("seed", 8), ("size", 32)])
def test_another_order_may_not_go_on_in_the_folder(order, field, value):
    write(order)

    with pytest.raises(UsageError, match=f"begun with {field}"):
        writer.begin(dataclasses.replace(order, **{field: value}))


def test_other_assets_may_not_go_on_in_the_folder(order):
    write(order)
    (order.assets / "a.npz").write_bytes(b"123456")

    with pytest.raises(UsageError, match="assets_sha256"):
        writer.begin(order)


def test_a_missing_asset_folder_is_named(order):
    with pytest.raises(SourceOpenError, match="no such asset folder"):
        writer.begin(dataclasses.replace(order, assets=order.assets / "none"))


def test_a_folder_that_cannot_be_made_is_named(order):
    order.out.write_text("a file")

    with pytest.raises(SinkError, match="cannot be written"):
        writer.begin(order)


def test_no_half_written_file_is_left(order):
    write(order)

    assert not list(order.out.rglob("*.partial"))
