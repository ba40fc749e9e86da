import pytest

from rtau_train.report.published import dataset_sizes
from tests.support.standins import AUS


@pytest.mark.parametrize(
    ("table", "labels", "wrong_sums"),
    [
        (dataset_sizes.DISFA_PLUS, 72_150, set()),
        (dataset_sizes.DEM, 2_296, set()),
        (dataset_sizes.DEM_AUGMENTED, 3_316, {"AU06"}),
    ],
    ids=["Table 3", "Table 4", "Table 5"],
)
def test_the_tables_are_those_of_the_paper(table, labels, wrong_sums):
    """Sums of the printed columns, and the rows whose parts do not add up as printed."""
    assert tuple(table) == AUS
    assert sum(row.total for row in table.values()) == labels
    unequal = {
        au for au, row in table.items() if row.total != row.train + row.validation + row.test
    }
    assert unequal == wrong_sums


def test_totals_are_those_of_the_text():
    assert sum(dataset_sizes.DEM_EMOTIONS.values()) == dataset_sizes.DEM_IMAGES
    assert (
        sum(dataset_sizes.FER2013_PUBLIC_TEST.values()) == dataset_sizes.FER2013_USAGE["PublicTest"]
    )
