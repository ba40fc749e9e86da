import dataclasses

import numpy as np
import pytest

from rtau.errors import SinkError, SourceOpenError, UsageError
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.synth import sampling, writer
from rtau_train.synth.picture import COLUMNS, Picture

LABELS = tuple(f"AU{au:02d}" for au in sampling.LABELLED)


@pytest.fixture
def job(tmp_path):
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "a.npz").write_bytes(b"12345")
    return writer.RenderJob(assets=assets, out=tmp_path / "out", count=150, seed=7, size=16)


@pytest.fixture(autouse=True)
def made_up_pictures(monkeypatch):
    """Pictures that tell their number; the renderer has its own tests."""

    def make(renderer, *, seed, index):
        image = np.full((16, 16, 3), (seed * 31 + index) % 256, np.uint8)
        points = np.full((68, 2), index, np.float32)
        row = dict.fromkeys(COLUMNS[1:], "0") | {"AU01": f"{index % 5}.50"}
        return Picture(image, points, row)

    monkeypatch.setattr(writer, "make_picture", make)


def write(job, parts=None):
    writer.begin(job)
    for part in job.missing() if parts is None else parts:
        list(writer.write_part(None, job, part))
    return writer.assemble(job)


def contents(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_training_reads_what_was_written(job):
    assert write(job) == 150

    data = read_folder(job.out, labels=LABELS)
    assert len(data) == 150
    np.testing.assert_array_equal(data.landmarks[:, 0, 0], np.arange(150))
    np.testing.assert_allclose(data.targets[:, 0], np.arange(150) % 5 + 0.5)
    assert data.images(np.array([3]))[0, 8, 8, 0] == pytest.approx(7 * 31 + 3, abs=2)
    assert {"sex", "ethnicity", "age_group", "skin_tone", "lighting"} <= data.columns.keys()


def test_parts_cover_every_picture_once(job):
    numbers = [number for part in job.parts() for number in part]

    assert numbers == list(range(150))


def test_a_resumed_folder_is_the_same_as_one_written_at_once(job, tmp_path):
    write(job, parts=job.parts()[1:2])
    write(job)
    whole = dataclasses.replace(job, out=tmp_path / "whole")
    write(whole)

    assert contents(job.out) == contents(whole.out)


def test_half_a_set_is_usable(job):
    assert write(job, parts=job.parts()[:1]) == writer.PART_PICTURES
    assert len(read_folder(job.out, labels=LABELS)) == writer.PART_PICTURES


def test_a_set_can_grow(job):
    write(job)
    grown = dataclasses.replace(job, count=200)

    assert write(grown) == 200
    assert len(read_folder(job.out, labels=LABELS)) == 200


@pytest.mark.parametrize(("field", "value"), [("seed", 8), ("size", 32)])
def test_another_order_may_not_go_on_in_the_folder(job, field, value):
    write(job)

    with pytest.raises(UsageError, match=f"begun with {field}"):
        writer.begin(dataclasses.replace(job, **{field: value}))


def test_other_assets_may_not_go_on_in_the_folder(job):
    write(job)
    (job.assets / "a.npz").write_bytes(b"123456")

    with pytest.raises(UsageError, match="assets_sha256"):
        writer.begin(job)


def test_a_missing_asset_folder_is_named(job):
    with pytest.raises(SourceOpenError, match="no such asset folder"):
        writer.begin(dataclasses.replace(job, assets=job.assets / "none"))


def test_a_folder_that_cannot_be_made_is_named(job):
    job.out.write_text("a file")

    with pytest.raises(SinkError, match="cannot be written"):
        writer.begin(job)


def test_no_half_written_file_is_left(job):
    write(job)

    assert not list(job.out.rglob("*.partial"))
