"""The shipped alignment file, run with ONNX Runtime alone: no torch."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtau import geometry
from rtau import squares as alignment
from rtau.faces.alignment_contract import INPUT, METADATA_KEY, POINTS, PRESENCE, AlignmentContract

pytestmark = pytest.mark.needs_onnxruntime

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "engines" / "face-align.onnx"
FIXTURE = ROOT / "tests" / "data" / "synth-facs"
FACES = 60


@pytest.fixture(scope="module")
def session():
    onnxruntime = pytest.importorskip("onnxruntime", reason="runs the shipped file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def contract():
    text = MODEL.with_suffix(".json").read_text(encoding="utf-8")
    return AlignmentContract.from_json(text, origin="face-align.json")


def run(session, crops):
    return session.run([PRESENCE, POINTS], {INPUT: crops})


def crop(image, square, contract, *, roll_rad=0.0):
    turned = alignment.FaceSquares(square.centres_xy, square.sides_px, square.rolls_rad + roll_rad)
    maps = alignment.frame_from_crop(turned, size=contract.input_size, expand=contract.expand)
    shown = cv2.warpAffine(
        image,
        geometry.warp_matrix(maps[0]),
        (contract.input_size,) * 2,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return shown, maps


@pytest.fixture(scope="module")
def faces(contract):
    with (FIXTURE / "labels.csv").open(encoding="utf-8", newline="") as file:
        names = [row["file"] for row in csv.DictReader(file)][:FACES]
    with np.load(FIXTURE / "landmarks68.npz") as file:
        points = file["xy"][:FACES].astype(np.float32)
    images = [cv2.imread(str(FIXTURE / "crops" / name), cv2.IMREAD_GRAYSCALE) for name in names]
    squares = [alignment.squares_from_points(one[None], rule=contract.points) for one in points]
    return list(zip(images, squares, strict=True))


def test_the_file_is_small_and_carries_its_contract(session, contract):
    assert MODEL.stat().st_size < 1_000_000
    carried = session.get_modelmeta().custom_metadata_map[METADATA_KEY]
    assert AlignmentContract.from_json(carried, origin="metadata") == contract


@pytest.mark.parametrize("count", [0, 1, 7, 32])
def test_any_number_of_crops_is_taken(session, contract, count):
    crops = np.random.default_rng(count).integers(0, 256, (count, 64, 64)).astype(np.uint8)
    logits, points = run(session, crops)
    assert logits.shape == (count,)
    assert points.shape == (count, len(contract.points.weights), 2)
    if count:
        one_by_one = np.concatenate([run(session, crop[None])[0] for crop in crops])
        assert logits == pytest.approx(one_by_one, abs=1e-3)


def test_rendered_faces_are_faces(session, contract, faces):
    crops = np.stack([crop(image, square, contract)[0] for image, square in faces])
    logits, _ = run(session, crops)
    assert (logits > 0).mean() > 0.9


def test_turned_faces_are_brought_upright(session, contract, faces):
    turn = np.deg2rad(20)
    cut = [crop(image, square, contract, roll_rad=turn) for image, square in faces]
    _, points = run(session, np.stack([one for one, _ in cut]))
    errors = []
    for (_, square), (_, maps), point in zip(faces, cut, points, strict=True):
        found = alignment.squares_from_points(
            geometry.apply(maps, point[None]), rule=contract.points
        )
        errors.append(abs(float(found.rolls_rad[0] - square.rolls_rad[0])))
    assert np.rad2deg(np.median(errors)) < 5


def test_drawn_patterns_are_no_faces(session):
    y, x = np.mgrid[0:64, 0:64]
    patterns = [
        np.full((64, 64), 128),
        x * 4,
        255 * (x // 8 % 2),
        255 * ((x // 8 + y // 8) % 2),
        128 + 100 * np.sin((x + y) / 3),
        255 * (np.hypot(x % 16 - 8, y % 16 - 8) < 5),
    ]
    logits, _ = run(session, np.stack(patterns).astype(np.uint8))
    assert (logits < 0).all()


def test_pure_noise_is_no_sure_face(session):
    # Known weakness (the card says so): noise of full contrast is taken for a face at about .6.
    noise = np.random.default_rng(0).integers(0, 256, (20, 64, 64)).astype(np.uint8)
    logits, _ = run(session, noise)
    assert (logits < np.log(9)).mean() > 0.9
