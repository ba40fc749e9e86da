import io

import numpy as np

from rtau.sinks.face_lines import FaceLinesSink
from tests.support.results import make_result


def lines_of(*results):
    stream = io.StringIO()
    sink = FaceLinesSink(stream, file_of=lambda index: f"{index}.jpg")
    for result in results:
        sink.write(result, None)
    sink.close()
    return stream.getvalue().splitlines()


def test_active_aus_are_listed_strongest_first_with_their_names():
    logits = np.array([[1.0, -4.0, 3.0]], np.float32)

    assert lines_of(make_result(7, logits=logits)) == [
        "7.jpg: face 1: AU12 lip corner puller 0.95, AU01 inner brow raiser 0.73"
    ]


def test_no_face_and_no_active_au_are_said():
    quiet = np.full((1, 3), -6, np.float32)

    assert lines_of(make_result(0, faces=0), make_result(1, logits=quiet)) == [
        "0.jpg: no face found",
        "1.jpg: face 1: no AU active",
    ]


def test_an_emotion_is_a_word_already():
    logits = np.array([[0.0, 2.0]], np.float32)
    result = make_result(0, logits=logits, labels=("anger", "joy"), task="multi_class")

    assert lines_of(result) == ["0.jpg: face 1: joy 0.88"]
