import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.facs import AU
from rtau_train.datasets.labelled_crops import OCCURS_FROM
from rtau_train.datasets.prepare import values


@given(st.floats(0, 5))
def test_an_intensity_is_read_as_written(value):
    assert values.intensity(repr(value)) == value


@pytest.mark.parametrize("text", ["7", "-1", "5.01", "nan", "inf", "much", "", "3,5"])
def test_what_is_no_intensity_is_named(text):
    with pytest.raises(ValueError, match=r"a number from 0 to 5, got '"):
        values.intensity(text)


def test_a_present_au_occurs_and_an_absent_one_does_not():
    assert values.occurrence("1") >= OCCURS_FROM
    assert values.occurrence("0") == 0
    assert values.occurrence("1.0") == values.occurrence("1")


@pytest.mark.parametrize("text", ["2", "0.5", "yes", ""])
def test_what_is_no_occurrence_is_named(text):
    with pytest.raises(ValueError, match=f"must be 0 or 1, got '{text}'"):
        values.occurrence(text)


def test_splits_are_three_words():
    assert [values.split(word) for word in ("train", "Validation", " test ")] == [
        "train",
        "validation",
        "test",
    ]
    with pytest.raises(ValueError, match="one of train, validation, test, got 'val'"):
        values.split("val")


@pytest.mark.parametrize(
    ("text", "word"),
    [("Angry", "anger"), ("happy", "happiness"), ("sad", "sadness"), ("fear", "fear")],
)
def test_adjectives_become_the_papers_nouns(text, word):
    assert values.emotion(text) == word
    assert values.is_known_emotion(word)


def test_a_class_of_a_lab_is_kept_and_comes_last():
    assert values.emotion("Pain") == "pain"
    assert not values.is_known_emotion("pain")
    assert values.emotion_order({"pain", "neutral", "contempt", "anger"}) == (
        "anger",
        "neutral",
        "contempt",
        "pain",
    )
    with pytest.raises(ValueError, match="emotion is empty"):
        values.emotion(" ")


@given(st.sampled_from(AU), st.sampled_from(["AU{}", "au{}", "AU{:02d}", " Au{} "]))
def test_every_way_to_write_an_au_is_understood(au, form):
    assert values.au_label(form.format(au.value)) == au.label


@pytest.mark.parametrize("column", ["AU99", "AU", "12", "AU12_r", "audience"])
def test_other_words_are_no_au(column):
    assert values.au_label(column) is None
