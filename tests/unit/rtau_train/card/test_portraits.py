import numpy as np
import pytest
from scipy import stats

from rtau_train.card.portraits import portrait_figures
from rtau_train.datasets.folds import Split
from rtau_train.datasets.splits import Parts
from rtau_train.evaluation import binary_metrics
from rtau_train.evaluation.evaluate import cut_plain
from tests.support.cards import as_portraits, bright_engine, brightness
from tests.support.training import small_recipe

TEST = np.arange(0, 60, 2)


@pytest.fixture(scope="module")
def parts(data):
    shown = as_portraits(data, sheets=10)  # even rows are of sheets 0, 2, ... 8
    train = np.array([62, 64])  # of sheets 2 and 4
    return Parts(shown, Split(train, np.array([1]), TEST), "image")


@pytest.fixture(scope="module")
def figures(parts):
    return portrait_figures(
        bright_engine(),
        parts.data,
        TEST,
        recipe=small_recipe(),
        trained_on=parts.data.subjects[parts.split.train],
    )


def test_each_coded_au_is_compared_with_the_teacher(figures, parts):
    data = parts.data
    said = brightness(cut_plain(data, TEST, small_recipe()))

    assert [row.label for row in figures.labels] == [x for x in data.labels if x != "AU04"]
    for row in figures.labels:
        soft = data.targets[TEST, data.labels.index(row.label)]
        assert (row.rows, row.positives) == (len(TEST), (soft >= 2).sum())
        assert row.auc == pytest.approx(binary_metrics.auc(said, soft >= 2), nan_ok=True)
        if np.ptp(soft):
            assert row.spearman == pytest.approx(stats.spearmanr(said, soft).statistic)
        else:
            assert np.isnan(row.spearman)
    assert figures.mean_spearman == pytest.approx(np.nanmean([r.spearman for r in figures.labels]))


def test_portraits_of_sheets_that_were_trained_on_are_counted(figures):
    assert figures.rows == len(TEST)
    assert figures.origins == ("SFHQ-T2I",)
    assert figures.subjects == 5
    assert figures.rows_of_known_subjects == 12
