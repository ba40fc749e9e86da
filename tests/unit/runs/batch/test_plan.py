"""Every file has its own results, below the output folder in the tree of the sources."""

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.errors import SourceOpenError, UsageError
from rtau.runs.batch.plan import KINDS, FileJob, check_jobs, kinds_of, plan, stem_of

OUT = Path("out")
# What a path may be made of; a name that is only dots is no name.
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)
NAMES = NAMES.filter(lambda name: name.strip("."))
PLACES = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: PurePosixPath(*parts))


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def planned(*sources, out_dir=OUT, kinds=("mp4", "csv"), **options):
    return plan([str(source) for source in sources], out_dir=out_dir, kinds=kinds, **options)


def stems(found):
    return [str(job.stem) for job in found.jobs]


@given(tree=PLACES, place=PLACES, full_names=st.booleans())
def test_results_keep_the_place_of_their_file_below_the_output_folder(tree, place, full_names):
    file = Path(tree) / place
    stem = stem_of(file, tree=Path(tree), out_dir=OUT, full_names=full_names)

    assert stem.parent == OUT / place.parent
    assert file.name.startswith(stem.name)
    if full_names:
        assert stem.name == file.name


@given(tree=PLACES, places=st.lists(PLACES, unique=True, max_size=8), kinds=st.sets(
    st.sampled_from(KINDS), min_size=1))  # fmt: skip
def test_files_whose_stems_differ_share_no_result(tree, places, kinds):
    found = {stem_of(Path(tree) / place, tree=Path(tree), out_dir=OUT) for place in places}
    jobs = [FileJob(Path("x"), stem, tuple(sorted(kinds))) for stem in found]
    paths = [p for job in jobs for p in (*job.outputs.files.values(), job.record)]

    assert len(set(paths)) == len(paths) == len(jobs) * (len(kinds) + 1)


@given(places=st.lists(PLACES, unique=True, min_size=2, max_size=8))
def test_with_full_names_results_of_different_files_never_collide(places):
    found = [stem_of("in" / p, tree=Path("in"), out_dir=OUT, full_names=True) for p in places]

    assert len(set(found)) == len(places)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.mp4", "a"), ("take.1.mp4", "take.1"), (".mp4", ".mp4"), ("..mp4", "..mp4")],
)
def test_the_stem_is_the_name_without_its_suffix(name, stem):
    assert stem_of(Path(name), tree=None, out_dir=OUT) == OUT / stem


def test_a_folder_is_mirrored_and_a_file_goes_to_the_top(tmp_path):
    touch(tmp_path, "in/day1/a.mp4", "in/day1/deep/b.mov", "in/c.mkv", "other/d.mp4")
    found = planned(tmp_path / "in", tmp_path / "other" / "d.mp4")

    assert stems(found) == ["out/c", "out/day1/a", "out/day1/deep/b", "out/d"]
    assert found.excluded == 0


def test_a_pattern_is_mirrored_below_its_fixed_part(tmp_path):
    touch(tmp_path, "in/day1/a.mp4", "in/day2/a.mp4")

    assert stems(planned(tmp_path / "in" / "*" / "a.mp4")) == ["out/day1/a", "out/day2/a"]


def test_outputs_are_named_by_adding_and_only_the_wanted_ones(tmp_path):
    touch(tmp_path, "take.1.mp4")
    (job,) = planned(tmp_path, kinds=("csv", "jsonl")).jobs

    assert job.outputs.named() == {
        "csv": "out/take.1.csv",
        "jsonl": "out/take.1.jsonl",
        "record": "out/take.1.run.json",
    }


def test_the_results_of_two_files_with_one_stem_keep_the_suffix(tmp_path):
    touch(tmp_path, "a.mov", "a.mp4", "b.mp4")
    found = planned(tmp_path)
    assert stems(found) == ["out/a.mov", "out/a.mp4", "out/b"]
    assert found.renamed == 2
    assert stems(planned(tmp_path, full_names=True)) == ["out/a.mov", "out/a.mp4", "out/b.mp4"]


def test_what_is_not_taken_is_planned_too(tmp_path):
    touch(tmp_path, "a.mp4", "b.txt", "c/d.heic")
    assert planned(tmp_path).left_out.suffixes == {".heic": 1, ".txt": 1}


@pytest.mark.parametrize("full_names", [False, True])
def test_one_name_in_two_folders_is_refused_even_with_full_names(tmp_path, full_names):
    touch(tmp_path, "x/a.mp4", "y/a.mp4")
    with pytest.raises(UsageError, match=r"would both write out/a.*; run them in separate batches"):
        planned(tmp_path / "x", tmp_path / "y", full_names=full_names)


def test_results_of_an_earlier_batch_are_no_sources(tmp_path):
    touch(tmp_path, "in/a.mp4", "in/results/a.mp4", "in/results/deep/b.mp4")
    found = planned(tmp_path / "in", out_dir=tmp_path / "in" / "results")

    assert [job.file.relative_to(tmp_path) for job in found.jobs] == [Path("in/a.mp4")]
    assert found.excluded == 2


def test_a_file_below_the_output_folder_is_a_source_when_given_itself(tmp_path):
    touch(tmp_path, "out/a.mp4")
    assert len(planned(tmp_path / "out" / "a.mp4", out_dir=tmp_path / "out").jobs) == 1


def test_a_folder_of_nothing_but_results_is_refused(tmp_path):
    touch(tmp_path, "in/out/a.mp4")
    with pytest.raises(SourceOpenError, match="all 1 videos are below --out-dir"):
        planned(tmp_path / "in", out_dir=tmp_path / "in" / "out")


def test_checking_creates_the_folders(tmp_path):
    touch(tmp_path, "in/a/b/c.mp4")
    found = planned(tmp_path / "in", out_dir=tmp_path / "out")
    check_jobs(found.jobs)

    assert (tmp_path / "out" / "a" / "b").is_dir()


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_a_result_never_replaces_a_source_by_whatever_name(tmp_path, link):
    touch(tmp_path, "in/a.mp4", "in/b.mkv")
    out_dir = tmp_path / "in"
    if link is not None:
        out_dir = touch(tmp_path, "out/b.csv") / "out"
        link(tmp_path / "in" / "a.mp4", out_dir / "b.mp4")
    with pytest.raises(UsageError, match=r"is the input .*writing it would destroy it"):
        check_jobs(planned(tmp_path / "in", out_dir=out_dir).jobs)


def test_tables_beside_their_videos_are_allowed(tmp_path):
    touch(tmp_path, "in/a.mp4", "in/b.mp4")
    check_jobs(planned(tmp_path / "in", out_dir=tmp_path / "in", kinds=("csv",)).jobs)


def test_a_result_where_a_folder_must_be_is_refused(tmp_path):
    touch(tmp_path, "in/a.mp4", "in/a.csv/b.mp4")
    with pytest.raises(UsageError, match=r"a\.csv is a directory"):
        check_jobs(planned(tmp_path / "in", out_dir=tmp_path / "out").jobs)


def test_a_file_where_a_folder_must_be_is_refused(tmp_path):
    touch(tmp_path, "in/day1/a.mp4", "out/day1")
    with pytest.raises(UsageError, match=r"the folder .*day1 cannot be created \(File exists\)"):
        check_jobs(planned(tmp_path / "in", out_dir=tmp_path / "out").jobs)


def test_checking_is_linear_in_the_number_of_files(tmp_path, monkeypatch):
    """Comparing every output with every input takes a million disk accesses for 500 files."""
    asked = []
    plain = os.stat
    monkeypatch.setattr(
        os, "stat", lambda *args, **kwargs: asked.append(1) or plain(*args, **kwargs)
    )
    counts = []
    for number in (10, 40):
        folder = touch(tmp_path / str(number), *(f"{k}.mp4" for k in range(number)))
        jobs = planned(folder, out_dir=tmp_path / f"out{number}").jobs
        asked.clear()
        check_jobs(jobs)
        counts.append(len(asked) / number)

    assert counts[1] <= counts[0] * 1.2


def test_kinds_are_a_comma_separated_list_in_a_fixed_order():
    assert kinds_of("csv, mp4") == ("mp4", "csv")


@pytest.mark.parametrize("text", ["", ",", "avi", "csv,avi"])
def test_an_unknown_kind_is_refused(text):
    with pytest.raises(
        UsageError, match="--write must be a comma-separated list of mp4, csv, parquet, jsonl"
    ):
        kinds_of(text)
