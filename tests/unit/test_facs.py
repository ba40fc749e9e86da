import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.facs import AU, DISFA_PLUS_AUS, au_from_label, words_for_label


def test_labels_have_two_digits_and_words_are_the_facs_names():
    assert AU.BROW_LOWERER.label == "AU04"
    assert AU.LIP_CORNER_PULLER.label == "AU12"
    assert AU.LIP_CORNER_PULLER.words == "lip corner puller"


def test_the_twelve_of_disfa_plus_are_in_the_order_of_its_tables():
    assert [int(au) for au in DISFA_PLUS_AUS] == [1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26]


@pytest.mark.parametrize("au", AU)
def test_a_label_names_its_au_however_it_is_written(au):
    for text in (au.label, au.label.lower(), str(au.value), f"  AU{au.value} "):
        assert au_from_label(text) is au


@pytest.mark.parametrize("text", ["", "AU", "AU3", "12.0", "anger", "AU-1", "AU99"])
def test_what_is_no_au_is_refused_with_the_known_ones(text):
    with pytest.raises(ValueError, match="AU01, AU02, AU04") as caught:
        au_from_label(text)
    assert repr(text) in str(caught.value)


@given(st.text(max_size=8))
def test_any_text_names_an_au_or_raises_value_error_only(text):
    try:
        assert au_from_label(text) in AU
    except ValueError:
        assert words_for_label(text) == text


def test_words_for_an_emotion_are_the_label_itself():
    assert words_for_label("anger") == "anger"
    assert words_for_label("AU06") == "cheek raiser"
