"""Every aligner keeps the promises of `rtau.protocols.Aligner`."""

import dataclasses

import numpy as np
import pytest
import skimage.data

from rtau.backends.face_alignment import open_face_alignment
from rtau.data import Frame
from rtau.faces.alignment import AlignmentOutputs, NetworkAligner
from rtau.faces.alignment_contract import OcclusionOutput
from rtau.protocols import Aligner
from rtau.squares import FaceSquares, Square
from tests.support.face_world import FaceWorld, WorldAligner

FACE = Square(222.0, 117.0, 105.0, 0.0)
WALL = Square(450.0, 70.0, 100.0, 0.0)
OUTSIDE = Square(-900.0, -900.0, 80.0, 0.2)

MAKERS = {
    "NetworkAligner": lambda: NetworkAligner(open_face_alignment()),
    "WorldAligner": lambda: WorldAligner(FaceWorld({"ann": lambda _: FACE})),
}


@pytest.fixture(
    params=[pytest.param("NetworkAligner", marks=pytest.mark.needs_onnxruntime), "WorldAligner"]
)
def aligner(request):
    return MAKERS[request.param]()


@pytest.fixture(scope="module")
def portrait():
    image_bgr = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    return Frame(index=0, time_s=0.0, picture=image_bgr)


def test_it_is_an_aligner(aligner):
    assert isinstance(aligner, Aligner)


@pytest.mark.parametrize("squares", [[], [FACE], [WALL, OUTSIDE, FACE]], ids=len)
def test_a_row_comes_back_for_every_square(aligner, portrait, squares):
    found = aligner.align(portrait, FaceSquares.of(squares))
    assert len(found) == len(found.squares) == len(found.appearance) == len(squares)
    assert ((found.presence >= 0) & (found.presence <= 1)).all()
    assert np.isfinite(found.squares.centres_xy).all()
    assert (found.squares.sides_px > 0).all()


def test_whether_faces_are_covered_is_told_of_every_square_or_of_none(aligner, portrait):
    found = aligner.align(portrait, FaceSquares.of([FACE, FACE]), with_mirrored=True)
    assert found.covered is None or found.covered.shape == (2,)


class Crops:
    """A network that says of every crop that it is a face, and how sure it is of a cover."""

    def __init__(self, contract, occlusion_logit):
        self.contract = contract
        self._logit = occlusion_logit

    def __call__(self, crops, /):
        rows = len(crops)
        points = np.array(self.contract.points.places_xy, np.float32) * 40 + 32
        logits = None if self._logit is None else np.full(rows, self._logit, np.float32)
        return AlignmentOutputs(np.ones(rows, np.float32), np.tile(points, (rows, 1, 1)), logits)


RULE = OcclusionOutput(
    limit=0.8,
    origin="a test",
    weights_sha256="",
    recipe="",
    git_commit="",
    training_data="",
    max_dlogit=0.0,
)


@pytest.mark.needs_onnxruntime
@pytest.mark.parametrize(
    ("rule", "logit", "covered"),
    [
        (None, None, None),
        (RULE, 1.3, [False]),
        (RULE, 1.5, [True]),
    ],
)
def test_a_face_counts_as_covered_from_the_limit_of_the_contract_on(portrait, rule, logit, covered):
    contract = dataclasses.replace(open_face_alignment().contract, occlusion=rule)
    found = NetworkAligner(Crops(contract, logit)).align(portrait, FaceSquares.of([FACE]))
    assert (None if found.covered is None else found.covered.tolist()) == covered


@pytest.mark.parametrize("side", [20.0, 200.0, 900.0])
@pytest.mark.parametrize("far", [(-700.0, 90.0), (2000.0, 90.0), (90.0, -3000.0), (5000.0, 5000.0)])
def test_a_square_outside_the_frame_shows_no_face(aligner, portrait, far, side):
    found = aligner.align(portrait, FaceSquares.of([Square(*far, side, 0.2)]), with_mirrored=True)
    assert found.presence.tolist() == pytest.approx([0], abs=0.02)


def test_a_face_is_told_from_a_wall_and_found_from_beside(aligner, portrait):
    beside = FACE._replace(x=FACE.x + 12, side=115.0)
    found = aligner.align(portrait, FaceSquares.of([beside, WALL]))
    assert found.presence[0] > 0.5
    assert found.presence[1] < 0.1
    assert found.squares.rows()[0].distance(FACE) < 0.1


@pytest.mark.needs_onnxruntime
def test_the_last_digits_of_a_square_do_not_matter(portrait):
    """They differ from processor to processor, and would grow from frame to frame."""
    aligner = MAKERS["NetworkAligner"]()
    near = FACE._replace(x=FACE.x + 3e-4, y=FACE.y - 3e-4, side=FACE.side + 3e-4, roll=3e-6)
    one, other = (aligner.align(portrait, FaceSquares.of([square])) for square in (FACE, near))
    assert one.squares.rows() == other.squares.rows()


@pytest.mark.needs_onnxruntime
def test_a_face_and_its_mirror_image_have_one_presence_where_both_are_seen(portrait):
    aligner = MAKERS["NetworkAligner"]()
    mirrored = Frame(index=0, time_s=0.0, picture=np.ascontiguousarray(portrait.image_bgr[:, ::-1]))
    beside = FACE._replace(x=FACE.x + 40)
    one = aligner.align(portrait, FaceSquares.of([beside]), with_mirrored=True)
    there = beside._replace(x=portrait.width - beside.x)
    other = aligner.align(mirrored, FaceSquares.of([there]), with_mirrored=True)
    alone = aligner.align(portrait, FaceSquares.of([beside]))
    assert one.presence[0] == pytest.approx(other.presence[0], abs=0.01)
    assert one.presence[0] != pytest.approx(alone.presence[0], abs=0.01)


def test_rows_do_not_depend_on_their_company(aligner, portrait):
    together = aligner.align(portrait, FaceSquares.of([WALL, FACE]))
    alone = aligner.align(portrait, FaceSquares.of([FACE]))
    np.testing.assert_allclose(together.presence[1:], alone.presence, atol=1e-5)
    np.testing.assert_allclose(together.squares.centres_xy[1:], alone.squares.centres_xy, atol=1e-2)
