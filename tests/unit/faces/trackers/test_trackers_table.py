"""The table of trackers."""

import pytest

from rtau.errors import UsageError
from rtau.faces.trackers import TRACKERS, open_tracker
from rtau.protocols import Tracker


@pytest.mark.parametrize("name", TRACKERS)
def test_every_name_opens_a_tracker(name):
    assert isinstance(open_tracker(name), Tracker)


def test_an_unknown_name_is_an_error_that_names_the_known():
    with pytest.raises(UsageError, match="iou, untracked, got 'deep'"):
        open_tracker("deep")
