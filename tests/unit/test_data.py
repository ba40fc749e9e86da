import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from rtau.data import Crops, Faces, Frame, FrameResult, Planes, Scores
from rtau.errors import EngineError
from tests.support.results import make_result


def frame(*, index=0, time_s=0.0, height=4, width=6):
    return Frame(index=index, time_s=time_s, picture=np.zeros((height, width, 3), np.uint8))


def faces(count):
    boxes = np.arange(count * 4, dtype=np.float32).reshape(count, 4)
    return Faces(
        boxes_xyxy=boxes,
        scores=np.linspace(0, 1, count, dtype=np.float32),
        track_ids=np.arange(1, count + 1, dtype=np.int64),
    )


def scores(count, *, task="multi_label", cams=False):
    return Scores(
        labels=("AU01", "AU12"),
        task=task,
        logits=np.arange(count * 2, dtype=np.float32).reshape(count, 2),
        cams=np.zeros((count, 2, 7, 7), np.float32) if cams else None,
    )


def result(count, **changes):
    fields = {
        "frame": frame(),
        "faces": faces(count),
        "frame_from_crop": np.zeros((count, 2, 3), np.float32),
        "scores": scores(count),
        "active": np.zeros((count, 2), np.bool_),
        "tentative_xyxy": np.zeros((1, 4), np.float32),
    }
    return FrameResult(**{**fields, **changes})


def crops(count, *, size=8):
    return Crops(
        images_rgb=np.zeros((count, size, size, 3), np.uint8),
        frame_from_crop=np.zeros((count, 2, 3), np.float32),
        face_rows=np.arange(count, dtype=np.int64),
    )


def arrays_of(record):
    values = (getattr(record, field.name) for field in dataclasses.fields(record))
    return [value for value in values if isinstance(value, np.ndarray)]


@pytest.mark.parametrize(
    "record", [frame(), faces(2), crops(2), scores(2, cams=True), result(2)], ids=repr
)
def test_every_array_is_frozen_and_no_field_can_be_replaced(record):
    for array in arrays_of(record):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, None)


def test_records_compare_and_hash_by_identity_because_arrays_cannot():
    one, other = faces(2), faces(2)
    assert one == one  # noqa: PLR0124 - identity is the point
    assert one != other
    assert len({one, other}) == 2


def test_a_frame_knows_its_size_and_shows_shapes_instead_of_pixels():
    shown = frame(height=4, width=6)
    assert (shown.width, shown.height) == (6, 4)
    assert "uint8 (4, 6, 3)" in repr(shown)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 6), np.uint8),
        np.zeros((4, 6, 4), np.uint8),
        np.zeros((4, 6, 3), np.float32),
        np.zeros((0, 6, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "empty"],
)
def test_a_frame_refuses_what_is_not_a_bgr_image(image):
    with pytest.raises(ValueError, match="picture must"):
        Frame(index=0, time_s=0.0, picture=image)


def planes_of(**other):
    """Planes of a picture of 5 x 4 px."""
    half = np.zeros((2, 3), np.uint8)
    fields = {"y": np.zeros((4, 5), np.uint8), "u": half, "v": half}
    matrix = np.zeros((3, 4), np.float32)
    return Planes(
        **(fields | {"rgb_from_yuv": matrix, "convert": lambda: np.ones((4, 5, 3), np.uint8)})
        | other
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("y", np.zeros((4, 5, 3), np.uint8)),
        ("y", np.zeros((4, 5), np.float32)),
        ("u", np.zeros((2, 2), np.uint8)),
        ("v", np.zeros((4, 5), np.uint8)),
        ("rgb_from_yuv", np.zeros((3, 3), np.float32)),
    ],
)
def test_planes_refuse_what_does_not_fit_together(field, value):
    with pytest.raises(ValueError, match=f"{field} must be"):
        planes_of(**{field: value})


def test_a_conversion_to_another_size_is_refused():
    planes = planes_of(convert=lambda: np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(ValueError, match=r"image_bgr must be uint8 \(4, 5, 3\)"):
        _ = planes.image_bgr


def test_a_frame_in_planes_has_their_size_and_their_picture():
    held = Frame(index=0, time_s=0.0, picture=planes_of())
    assert (held.width, held.height) == (5, 4)
    assert held.planes is held.picture
    assert held.image_bgr.min() == 1
    assert frame(index=0, time_s=0.0).planes is None
    assert repr(held) == (
        "Frame(index=0, time_s=0.0, picture=Planes(y=uint8 (4, 5), u=uint8 (2, 3), "
        "v=uint8 (2, 3), rgb_from_yuv=float32 (3, 4)))"
    )


def test_a_list_of_pixels_is_no_array():
    with pytest.raises(TypeError, match=r"picture must be uint8 .* got list"):
        Frame(index=0, time_s=0.0, picture=[[[0, 0, 0]]])


@pytest.mark.parametrize(
    ("index", "time_s"), [(-1, 0.0), (0, math.nan), (0, math.inf), (0, -math.inf)]
)
def test_a_frame_refuses_a_negative_index_and_a_time_that_is_none(index, time_s):
    with pytest.raises(ValueError, match="index must be >= 0 and time_s finite"):
        frame(index=index, time_s=time_s)


def test_faces_select_keeps_every_field_in_step():
    picked = faces(4).select(np.array([False, True, False, True]))
    assert picked.track_ids.tolist() == [2, 4]
    assert picked.boxes_xyxy[:, 0].tolist() == [4, 12]
    assert picked.scores.tolist() == pytest.approx([1 / 3, 1])
    bare = Faces(boxes_xyxy=np.zeros((2, 4), np.float32)).select(np.array([1]))
    assert len(bare) == 1
    assert bare.scores is None
    assert bare.track_ids is None


def test_no_faces_is_a_legal_record():
    assert len(Faces.none()) == 0
    assert len(result(0).faces) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"boxes_xyxy": np.zeros((2, 4))},
        {"boxes_xyxy": np.zeros((4,), np.float32)},
        {"boxes_xyxy": np.full((1, 4), np.nan, np.float32)},
        {"boxes_xyxy": np.zeros((2, 4), np.float32), "scores": np.zeros(3, np.float32)},
        {"boxes_xyxy": np.zeros((2, 4), np.float32), "track_ids": np.zeros(2, np.int32)},
        {"boxes_xyxy": np.zeros((2, 4), np.float32), "track_ids": np.array([7, 7])},
    ],
    ids=["float64", "flat", "nan", "rows differ", "int32", "same id twice"],
)
def test_faces_refuse_rows_that_do_not_agree(fields):
    with pytest.raises(ValueError, match=r"(boxes_xyxy|scores|track_ids) must"):
        Faces(**fields)


def test_crops_must_be_square_and_agree_with_their_maps():
    assert crops(3, size=8).size == 8
    with pytest.raises(ValueError, match="must be square"):
        Crops(
            images_rgb=np.zeros((1, 8, 9, 3), np.uint8),
            frame_from_crop=np.zeros((1, 2, 3), np.float32),
            face_rows=np.zeros(1, np.int64),
        )
    with pytest.raises(ValueError, match="frame_from_crop must be float32"):
        Crops(
            images_rgb=np.zeros((1, 8, 8, 3), np.uint8),
            frame_from_crop=np.zeros((2, 2, 3), np.float32),
            face_rows=np.zeros(1, np.int64),
        )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_stop_the_run_and_name_the_label(bad):
    logits = np.zeros((3, 2), np.float32)
    logits[2, 1] = bad
    with pytest.raises(EngineError, match=r"for AU12 in row 2.*rtau-export verify"):
        Scores(labels=("AU01", "AU12"), task="multi_label", logits=logits)


FINITE_LOGITS = npst.arrays(
    np.float32,
    npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5),
    elements=st.floats(-(2.0**100), 2.0**100, width=32),
)


@given(FINITE_LOGITS)
def test_probabilities_lie_in_the_unit_range_at_any_size_of_logit(logits):
    labels = tuple(f"L{column}" for column in range(logits.shape[1]))
    single = Scores(labels=labels, task="multi_class", logits=logits).probabilities
    multi = Scores(labels=labels, task="multi_label", logits=logits).probabilities
    for values in (single, multi):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1
    np.testing.assert_allclose(single.sum(axis=1), 1, rtol=1e-5)


def test_sigmoid_and_softmax_of_known_logits():
    log3 = np.log(np.array([[1, 3]], np.float32))
    multi = Scores(labels=("AU01", "AU12"), task="multi_label", logits=log3)
    np.testing.assert_allclose(multi.probabilities, [[0.5, 0.75]], rtol=1e-6)
    single = Scores(labels=("calm", "joy"), task="multi_class", logits=log3)
    np.testing.assert_allclose(single.probabilities, [[0.25, 0.75]], rtol=1e-6)


@pytest.mark.parametrize("task", ["multi_label", "multi_class"])
def test_a_batch_of_no_faces_has_no_probabilities(task):
    assert scores(0, task=task).probabilities.shape == (0, 2)


def test_select_of_every_row_in_order_is_the_record_itself_and_no_other_is():
    every, two = np.arange(3), faces(2)
    for record in (faces(3), scores(3)):
        assert record.select(every) is record
        assert record.select(every >= 0) is record
        assert record.select(every[::-1]) is not record
    assert two.select(np.array([False, True])).track_ids.tolist() == [2]  # False, True == 0, 1
    assert faces(0).select(np.zeros(0, np.int64)).boxes_xyxy.shape == (0, 4)
    with pytest.raises(IndexError):
        two.select(np.array([True, True, True]))


def test_scores_select_takes_the_cams_along():
    picked = scores(3, cams=True).select(np.array([2]))
    assert picked.logits.tolist() == [[4, 5]]
    assert picked.cams.shape == (1, 2, 7, 7)
    assert scores(3).select(np.array([0])).cams is None


def test_scores_select_takes_the_landmarks_along():
    points = np.arange(3 * 68 * 2, dtype=np.float32).reshape(3, 68, 2)
    whole = dataclasses.replace(scores(3), landmarks_xy=points)
    np.testing.assert_array_equal(whole.select(np.array([2])).landmarks_xy, points[2:])
    assert scores(3).select(np.array([0])).landmarks_xy is None


def test_a_results_landmarks_lie_in_the_frame():
    points = np.full((1, 68, 2), (2.0, 3.0), np.float32)
    maps = np.array([[[2, 0, 100], [0, 2, 50]]], np.float32)
    whole = make_result(faces=1, landmarks_xy=points)
    np.testing.assert_array_equal(
        dataclasses.replace(whole, frame_from_crop=maps).landmarks_xy[0, 5], [104, 56]
    )
    assert make_result(faces=1).landmarks_xy is None


@pytest.mark.parametrize("shape", [(2, 68, 2), (3, 67, 2), (3, 136)])
def test_scores_refuse_landmarks_that_do_not_agree(shape):
    with pytest.raises(ValueError, match="landmarks_xy must be float32"):
        dataclasses.replace(scores(3), landmarks_xy=np.zeros(shape, np.float32))


def test_landmarks_that_are_not_finite_stop_the_run():
    points = np.full((3, 68, 2), np.nan, np.float32)
    with pytest.raises(EngineError, match="landmarks_xy must be finite"):
        dataclasses.replace(scores(3), landmarks_xy=points)


@pytest.mark.parametrize(
    "changes",
    [
        {"faces": Faces(boxes_xyxy=np.zeros((2, 4), np.float32))},
        {"scores": scores(1)},
        {"frame_from_crop": np.zeros((1, 2, 3), np.float32)},
        {"active": np.zeros((2, 3), np.bool_)},
        {"active": np.zeros((2, 2), np.uint8)},
        {"tentative_xyxy": np.zeros((0, 5), np.float32)},
    ],
    ids=["no ids", "scores", "maps", "labels", "dtype", "tentative"],
)
def test_a_result_refuses_parts_that_do_not_belong_together(changes):
    with pytest.raises(ValueError, match="must"):
        result(2, **changes)
