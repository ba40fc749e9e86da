import math

import pytest

from rtau_train.models import NETWORKS
from rtau_train.report import names


def test_every_network_there_is_has_a_name():
    assert set(names.NETWORKS) == set(NETWORKS)
    assert names.network_name("new_net") == "new_net"


@pytest.mark.parametrize(
    ("label", "shown"), [("AU04", "AU4"), ("AU12", "AU12"), ("anger", "anger"), ("AUx", "AUx")]
)
def test_labels_are_written_as_in_the_papers(label, shown):
    assert names.paper_label(label) == shown


def test_numbers_and_what_is_none():
    assert names.number(0.12345) == "0.123"
    assert names.number(math.nan) == "n/a"
    assert names.percent(0.6751) == "67.51 %"
    assert names.percent(math.nan) == "n/a"
    assert names.interval(0.5, 0.755) == "0.50\N{EN DASH}0.76"
    assert names.interval(math.nan, 0.5) == ""


@pytest.mark.parametrize(
    ("words", "phrase"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_words_become_a_phrase(words, phrase):
    assert names.listed(words) == phrase
