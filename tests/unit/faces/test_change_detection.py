"""Regions that count as changed since detection last covered them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau import geometry
from rtau.data import Frame
from rtau.faces.change_detection import CHANGED_BY, ChangeDetector

NO_FACES = np.zeros((0, 4), np.float32)


def frame(image, index=0):
    return Frame(index=index, time_s=index / 25, picture=image)


def wall(width=640, height=360, *, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(40, 200, (height // 8, width // 8, 3), np.uint8)
    return np.kron(small, np.ones((8, 8, 1), np.uint8))


def with_block(image, box, *, by=60):
    x0, y0, x1, y1 = box
    changed = image.copy()
    changed[y0:y1, x0:x1] = np.clip(changed[y0:y1, x0:x1].astype(int) + by, 0, 255)
    return changed


def covers(parts, box):
    return any((part[:2] <= box[:2]).all() and (part[2:] >= box[2:]).all() for part in parts)


def test_the_first_frame_and_one_of_another_size_have_changed_everywhere():
    watch = ChangeDetector()
    assert watch.changed_regions(frame(wall()), exclude=NO_FACES, include=NO_FACES) is None
    assert watch.changed_regions(frame(wall(320, 240)), exclude=NO_FACES, include=NO_FACES) is None
    assert (
        len(watch.changed_regions(frame(wall(320, 240)), exclude=NO_FACES, include=NO_FACES)) == 0
    )
    # Twice the size in both directions: the small pictures are of one size.
    assert watch.changed_regions(frame(wall(640, 480)), exclude=NO_FACES, include=NO_FACES) is None


def test_noise_and_a_flicker_of_the_lamp_change_nothing():
    watch, rng = ChangeDetector(), np.random.default_rng(1)
    watch.mark_covered(frame(wall()))
    for k in range(20):
        noise = rng.normal(0, 6, (360, 640, 3))
        flicker = CHANGED_BY - 3 if k % 2 else 0
        noisy = np.clip(wall() + noise + flicker, 0, 255).astype(np.uint8)
        assert len(watch.changed_regions(frame(noisy, k), exclude=NO_FACES, include=NO_FACES)) == 0


@settings(max_examples=60, deadline=None)
@given(data=st.data(), scale=st.sampled_from([1, 2, 3]))
def test_a_change_lies_inside_a_region_and_is_returned_once(data, scale):
    width, height = 640 * scale, 360 * scale
    before, watch = wall(width, height), ChangeDetector()
    watch.mark_covered(frame(before))
    side = data.draw(st.integers(32, 120)) * scale
    x0 = data.draw(st.integers(0, width - side))
    y0 = data.draw(st.integers(0, height - side))
    box = np.array([x0, y0, x0 + side, y0 + side])
    after = with_block(before, box)

    parts = watch.changed_regions(frame(after, 1), exclude=NO_FACES, include=NO_FACES)

    if parts is not None:  # a large one at the middle makes nearly everything a part
        # All but a rim of one small pixel, of which only a part has changed.
        inner = box + np.array([8, 8, -8, -8]) * scale
        assert covers(parts, inner)
        assert (parts == geometry.clip(parts, width=width, height=height)).all()
        overlap = geometry.iou(parts, parts)
        assert (overlap[~np.eye(len(parts), dtype=bool)] == 0).all()
    assert len(watch.changed_regions(frame(after, 2), exclude=NO_FACES, include=NO_FACES)) == 0


def test_a_known_face_does_not_count_until_it_has_left():
    before, watch = wall(), ChangeDetector()
    watch.mark_covered(frame(before))
    face = np.array([[200, 100, 300, 200]], np.float32)
    moving = with_block(before, (210, 110, 290, 190))

    assert len(watch.changed_regions(frame(moving, 1), exclude=face, include=NO_FACES)) == 0
    (part,) = watch.changed_regions(frame(moving, 2), exclude=NO_FACES, include=NO_FACES)
    assert covers([part], np.array([216, 116, 284, 184]))


def test_two_changes_far_apart_are_two_parts_and_near_ones_are_one():
    def parts(*boxes):
        before, watch = wall(), ChangeDetector()
        watch.mark_covered(frame(before))
        after = before
        for box in boxes:
            after = with_block(after, box)
        return watch.changed_regions(frame(after, 1), exclude=NO_FACES, include=NO_FACES)

    assert len(parts((40, 40, 88, 88), (520, 240, 568, 288))) == 2
    assert len(parts((40, 40, 88, 88), (100, 60, 148, 108))) == 1


def test_an_included_box_does_not_merge_changed_regions():
    """One box around a small place and all it touches is most of the frame."""

    def parts(also):
        before, watch = wall(), ChangeDetector()
        watch.mark_covered(frame(before))
        after = with_block(with_block(before, (40, 24, 120, 104)), (520, 256, 600, 336))
        return watch.changed_regions(frame(after, 1), exclude=NO_FACES, include=also)

    place = np.array([[150, 130, 250, 230]], np.float32)
    *changed, beside = parts(place)

    np.testing.assert_array_equal(changed, parts(NO_FACES))
    assert geometry.iou(np.array(changed), beside[None]).max() > 0
    assert covers([beside], place[0])
    assert geometry.areas(beside[None])[0] < 3 * geometry.areas(place)[0]


def test_a_place_that_lies_in_a_part_that_changed_is_no_part_of_its_own():
    before, watch = wall(), ChangeDetector()
    watch.mark_covered(frame(before))
    after = with_block(before, (40, 40, 200, 200))
    place = np.array([[80, 80, 140, 140]], np.float32)
    (part,) = watch.changed_regions(frame(after, 1), exclude=NO_FACES, include=place)
    assert covers([part], place[0])


def test_an_included_box_is_a_region_although_nothing_changed():
    watch = ChangeDetector()
    watch.mark_covered(frame(wall()))
    place = np.array([[80, 80, 140, 140], [600, 0, 640, 60]], np.float32)
    parts = watch.changed_regions(frame(wall(), 1), exclude=NO_FACES, include=place)
    assert len(parts) == 2
    assert all(covers(parts, box) for box in place)


def test_a_cut_has_changed_everywhere():
    watch = ChangeDetector()
    watch.mark_covered(frame(wall()))
    assert watch.changed_regions(frame(wall(seed=5), 1), exclude=NO_FACES, include=NO_FACES) is None


@pytest.mark.parametrize("size", [(16, 9), (80, 1), (1, 700)])
def test_the_smallest_pictures_do_not_fail(size):
    watch = ChangeDetector()
    image = np.zeros((size[1], size[0], 3), np.uint8)
    watch.mark_covered(frame(image))
    assert len(watch.changed_regions(frame(image, 1), exclude=NO_FACES, include=NO_FACES)) == 0
    assert watch.changed_regions(frame(image + 200, 2), exclude=NO_FACES, include=NO_FACES) is None
