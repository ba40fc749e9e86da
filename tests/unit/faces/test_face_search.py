"""Who is found has been seen along several squares, near where the cascade or a window was."""

import dataclasses
import math

import numpy as np
import pytest

from rtau.faces.detection_schedule import DetectionRequest
from rtau.faces.face_search import BESIDE, FaceSearch, KnownFaces
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.squares import Square
from tests.support.face_world import FaceWorld, WorldAligner, WorldDetector

ANN = Square(150.0, 180.0, 80.0, 0.3)
NOBODY = KnownFaces(here=[], sure=[])
BY_CASCADE, BY_WINDOWS = DetectionRequest(None), DetectionRequest(None, windows=slice(None))


class BlindDetector(WorldDetector):
    """Proposes nothing, and says how small faces may be."""

    def detect(self, frame, /, **how):
        found = super().detect(frame, **how)
        return dataclasses.replace(found, boxes_xyxy=found.boxes_xyxy[:0])

    def smallest_px(self, frame, /):
        return 40.0


class FirstLookAligner(WorldAligner):
    """Believes in a face along its own square only, and doubts it along all others."""

    def align(self, frame, squares, /, *, with_mirrored=False):
        found = super().align(frame, squares, with_mirrored=with_mirrored)
        if len(squares) == len(BESIDE):
            return dataclasses.replace(found, presence=0.1 * found.presence)
        return found


def world(**faces):
    return FaceWorld({name: lambda _, square=square: square for name, square in faces.items()})


def searched(shown, request, *, detector=WorldDetector, aligner=WorldAligner, known=NOBODY):
    search = FaceSearch(detector(shown), aligner(shown), TrackingPolicy())
    return search.search(shown.frame(0), request, known=known)


def places(found):
    """Returns where faces are believed to be, whole px."""
    return {tuple(map(round, one.square[:3])) for one in found if one.presence > 0.5}


def test_what_the_cascade_does_not_propose_is_found_by_windows():
    shown = world(ann=ANN, bob=Square(470.0, 120.0, 110.0, 0.0))

    assert searched(shown, BY_CASCADE, detector=BlindDetector) == []
    found = searched(shown, BY_WINDOWS, detector=BlindDetector)

    assert places(found) == {(150, 180, 80), (470, 120, 110)}


@pytest.mark.parametrize("request_", [BY_CASCADE, BY_WINDOWS], ids=["cascade", "windows"])
def test_a_face_is_found_once_and_not_again_where_it_is_known(request_):
    shown = world(ann=ANN)
    detector = BlindDetector if request_ is BY_WINDOWS else WorldDetector

    found = searched(shown, request_, detector=detector)
    assert sum(one.presence > 0.5 for one in found) == 1
    known = KnownFaces(here=[ANN], sure=[])
    assert places(searched(shown, request_, detector=detector, known=known)) == set()


def test_windows_of_a_region_find_who_is_there():
    shown = world(ann=ANN, bob=Square(470.0, 120.0, 110.0, 0.0))
    half = dataclasses.replace(BY_WINDOWS, regions_xyxy=np.array([[0, 0, 300, 360]], np.float32))

    assert places(searched(shown, half, detector=BlindDetector)) == {(150, 180, 80)}


def test_who_is_seen_from_one_square_only_is_not_believed():
    (one,) = searched(world(ann=ANN), BY_WINDOWS, detector=BlindDetector, aligner=FirstLookAligner)

    assert 0.05 < one.presence < 0.15
    (cascade,) = searched(world(ann=ANN), BY_CASCADE, aligner=FirstLookAligner)
    assert math.isclose(cascade.presence, 0.98, abs_tol=0.001)
