"""Codes of people become labelled crops: which frames, which labels, which face."""

import numpy as np
import pytest

from rtau import Detector
from rtau.errors import SourceOpenError, UsageError
from rtau.faces import crops
from rtau_train.commands.main import main
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.decoded import read_picture
from rtau_train.datasets.prepare import coded_videos
from tests.support.commands import example_frames
from tests.support.media import write_clip
from tests.support.prepared import read_csv

HEADER = "file,face,subject,au,onset_s,offset_s,code\n"


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", example_frames(15), fps=25)


def task(folder, *rows):
    path = folder / "task.csv"
    path.write_text(HEADER + "".join(f"clip.mp4,{row}\n" for row in rows), encoding="utf-8")
    return path


def labels_of(listing):
    return {image.moment.time_s: dict(image.labels) for image in listing.images}


def test_each_coded_moment_gives_its_labels_and_what_is_not_coded_stays_so(clip, tmp_path):
    rows = ("1,P1,AU12,0.1,0.3,C", "1,P1,AU04,0.1,0.3,0", "1,P1,AU01,0.4,0.6,1")
    listing = coded_videos.read(task(tmp_path, *rows, "1,P1,AU02,0.4,0.6,", "1,P1,AU06,0.1,0.3,?"))
    assert labels_of(listing) == {0.2: {"AU04": 0.0, "AU12": 3.0}, 0.5: {"AU01": 5.0}}
    assert listing.labels == ("AU01", "AU04", "AU12")
    assert {image.subject for image in listing.images} == {"P1"}
    assert listing.notes == ("2 moments are not coded yet and left out",)


def test_a_document_coded_throughout_is_absent_where_nothing_is_marked(clip, tmp_path):
    elan = pytest.importorskip("pympi.Elan", reason="pympi-ling is not installed")
    document = elan.Eaf(author="coder")
    for tier, spans in {"AU12": [(200, 400, "D")], "AU04": []}.items():
        document.add_tier(tier)
        for span in spans:
            document.add_annotation(tier, *span)
    document.to_file(str(tmp_path / "clip.eaf"))  # names no video: the one beside it
    found = labels_of(coded_videos.read(tmp_path / "clip.eaf", between="absent", step_s=0.1))
    values = {0.05: 0.0, 0.15: 0.0, 0.25: 4.0, 0.35: 4.0}
    assert found == {time_s: {"AU04": 0.0, "AU12": value} for time_s, value in values.items()}
    assert set(labels_of(coded_videos.read(tmp_path))) == {0.3}


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (HEADER + "clip.mp4,1,,AU12,0.1,0.3,\n", SourceOpenError, "no moment was coded"),
        (HEADER + "gone.mp4,1,,AU12,0.1,0.3,1\n", SourceOpenError, "gone.mp4: task.csv names it"),
        ("frame,face_id\n1,1\n", UsageError, "not a coder's file; expected ELAN"),
    ],
)
def test_what_cannot_be_used_is_said(clip, tmp_path, text, error, words):
    (tmp_path / "task.csv").write_text(text)
    with pytest.raises(error, match=words):
        coded_videos.read(tmp_path / "task.csv")


@pytest.mark.needs_onnxruntime
def test_crops_are_those_the_runtime_cuts_at_that_time(clip, tmp_path):
    rows = ("1,P1,AU12,0.1,0.3,1", "7,P1,AU12,0.1,0.3,0", "1,P1,AU12,5,5.2,0")
    out = tmp_path / "coded"
    words = ["prepare", "annotations", str(task(tmp_path, *rows)), str(out), "--size", "112"]
    assert main([*words, "--crop-expand", "1.065"]) == 0

    data = read_folder(out, labels=("AU12",))
    assert (data.targets.tolist(), data.subjects.tolist()) == ([[5.0]], ["P1"])
    reasons = {row["file"]: row["reason"] for row in read_csv(out / "rejected.csv")}
    assert reasons == {
        "clip.mp4/00000200ms-7": "face 7 is not seen then; faces are 1",
        "clip.mp4/00005100ms-1": "the video ends before",
    }
    with Detector() as detector:
        results = list(detector.detect_video(clip))
        result = next(one for one in results if one.time_s == pytest.approx(0.2))
        rule = detector.contract.crop
    wanted = crops.cut(result.frame, result.faces, rule=rule, size=112).images_rgb[0]
    difference = np.abs(read_picture(data.pictures[0]).astype(int) - wanted)
    assert difference.mean() < 2.0  # JPEG
