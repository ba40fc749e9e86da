"""OpenCV's threads are few while anybody works on a file, and as they were afterwards."""

import cv2
import pytest

from rtau.execution.opencv_threads import FILE_THREADS, own_opencv_threads, single_threaded_opencv


@pytest.fixture(autouse=True)
def three_threads():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    yield
    cv2.setNumThreads(before)


def test_the_number_comes_back_when_the_last_has_left():
    first, second = single_threaded_opencv(), single_threaded_opencv()
    with first:
        assert cv2.getNumThreads() == FILE_THREADS
    assert cv2.getNumThreads() == 3

    first = single_threaded_opencv()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert cv2.getNumThreads() == FILE_THREADS
    second.__exit__(None, None, None)
    assert cv2.getNumThreads() == 3


def test_the_number_comes_back_after_a_failure():
    with pytest.raises(RuntimeError), single_threaded_opencv():
        raise RuntimeError
    assert cv2.getNumThreads() == 3


def test_the_threads_are_lent_for_a_while():
    with single_threaded_opencv():
        with own_opencv_threads():
            assert cv2.getNumThreads() == 3
        assert cv2.getNumThreads() == FILE_THREADS
    with own_opencv_threads():
        assert cv2.getNumThreads() == 3
    assert cv2.getNumThreads() == 3
