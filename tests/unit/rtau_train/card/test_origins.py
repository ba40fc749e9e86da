import dataclasses
import json

import numpy as np
import pytest

from rtau.errors import SourceOpenError, UsageError
from rtau_train.card.origins import OLDER_ASSETS_SHA256, origins, rows_of
from rtau_train.datasets.folds import Split
from rtau_train.datasets.labelled_crops import joined
from rtau_train.datasets.splits import DataSplits
from tests.support.cards import as_portraits, contract, rendered_folder
from tests.support.training import FACES, splits


@pytest.fixture(scope="module")
def mixed(data):
    """40 renders and 12 portraits of three sheets, parted so that two sheets are on both sides."""
    both = joined([data.take(np.arange(40)), as_portraits(data.take(np.arange(12)), sheets=3)])
    train = np.concatenate([np.arange(30), [40, 41]])
    test = np.concatenate([np.arange(34, 40), np.arange(42, 52)])
    return DataSplits(both, Split(train, np.arange(30, 34), test), "image")


@pytest.fixture
def portraits_folder(tmp_path, data):
    folder = tmp_path / "portraits"
    folder.mkdir()
    made = as_portraits(data.take(np.arange(1))).preparation
    (folder / "prepared.json").write_text(made.to_json())
    return folder


def found(run_folder, run_parts, *folders, **changes):
    return origins(run_folder, run_parts, folders=folders, contract=contract(**changes))


def test_a_run_on_renders_alone(run_folder):
    seen = found(run_folder, splits(), FACES)

    (one,) = seen.datasets
    split = splits().split
    assert one.name == "renders"
    assert one.made_by == "the prototype of the renderer"
    assert [one.train, one.validation, one.test] == [
        len(rows) for rows in (split.train, split.validation, split.test)
    ]
    assert one.shared == 0
    assert not seen.has_portraits
    assert not seen.starts_from_imagenet
    assert [(stage.recipe, stage.epochs) for stage in seen.stages] == [
        ("train/recipes/small.toml", 3)
    ]
    yaw = np.abs(splits().data.columns["yaw_deg"][split.train].astype(float))
    assert seen.max_yaw_deg == pytest.approx(yaw.max())


@pytest.mark.parametrize(
    ("assets", "released", "older"),
    [(None, False, True), (OLDER_ASSETS_SHA256, False, True), ("0" * 64, True, False)],
)
def test_skins_are_told_apart_by_the_record_of_the_renders(
    run_folder, tmp_path, assets, released, older
):
    seen = found(run_folder, splits(), rendered_folder(tmp_path / "faces", assets=assets))

    assert (seen.has_released_skins, seen.has_older_skins) == (released, older)


def test_avatars_are_renders_without_the_skins_of_the_other_family(run_folder, tmp_path):
    folder = rendered_folder(tmp_path / "faces", assets="0" * 64)
    record = folder / "synth.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "avatars": ["one"]}))

    seen = found(run_folder, splits(), folder)

    assert (seen.has_avatars, seen.has_released_skins, seen.has_older_skins) == (True, False, False)
    assert seen.datasets[0].made_by == "`rtau-train synth --avatars`"


def test_portraits_are_counted_beside_the_renders(run_folder, mixed, portraits_folder):
    seen = found(run_folder, mixed, FACES, portraits_folder)

    renders, portraits = seen.datasets
    assert (renders.train, renders.test, portraits.train, portraits.test) == (30, 6, 2, 10)
    # Rows 40 and 41 are of sheets 0 and 1; 42, 45, 48 and 51 are of sheet 2.
    assert portraits.shared == 6
    assert portraits.made_by == "`rtau-train prepare`"
    assert seen.has_portraits
    assert rows_of(mixed.data, mixed.split.test, "portraits").tolist() == list(range(42, 52))


def test_a_contract_that_speaks_of_portraits_is_believed(run_folder):
    assert found(run_folder, splits(), FACES, training_data="renders and Portraits").has_portraits


def test_portraits_without_a_licence_row_are_refused(run_folder, data):
    generated = as_portraits(data.take(np.arange(5)), origin="SFHQ")
    both = joined([data, generated])
    mixed = DataSplits(
        both, Split(np.arange(100), np.arange(100, 110), np.arange(110, 125)), "image"
    )

    with pytest.raises(UsageError, match="portraits from SFHQ-T2I only, got 'SFHQ' in column"):
        found(run_folder, mixed, FACES, FACES)


def test_people_are_no_renders(run_folder, data):
    people = as_portraits(data)
    people = dataclasses.replace(
        people, preparation=dataclasses.replace(people.preparation, dataset="disfa+")
    )

    with pytest.raises(
        UsageError, match=r"trained on renders, portraits, geometry, warped, got disfa\+"
    ):
        found(run_folder, dataclasses.replace(splits(), data=people), FACES)


@pytest.mark.parametrize("text", ["no json", "[1]", "{}"])
def test_a_record_that_is_none_is_refused(run_folder, tmp_path, text):
    folder = rendered_folder(tmp_path / "faces", assets="")
    (folder / "synth.json").write_text(text)

    with pytest.raises(SourceOpenError, match=r"synth\.json: not a record of `rtau-train synth`"):
        found(run_folder, splits(), folder)
