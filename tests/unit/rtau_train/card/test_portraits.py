import numpy as np
import pytest
from scipy import stats

from rtau_train.card.portraits import portrait_metrics
from rtau_train.datasets.folds import Split
from rtau_train.datasets.splits import DataSplits
from rtau_train.evaluation import binary_metrics
from rtau_train.evaluation.evaluate import cut_plain
from tests.support.cards import as_portraits, bright_engine, brightness
from tests.support.training import small_recipe

TEST = np.arange(0, 60, 2)


@pytest.fixture(scope="module")
def splits(data):
    shown = as_portraits(data, sheets=10)  # even rows are of sheets 0, 2, ... 8
    train = np.array([62, 64])  # of sheets 2 and 4
    return DataSplits(shown, Split(train, np.array([1]), TEST), "image")


@pytest.fixture(scope="module")
def metrics(splits):
    return portrait_metrics(
        bright_engine(),
        splits.data,
        TEST,
        recipe=small_recipe(),
        trained_on=splits.data.subjects[splits.split.train],
    )


def test_each_coded_au_is_compared_with_the_teacher(metrics, splits):
    data = splits.data
    said = brightness(cut_plain(data, TEST, small_recipe()))

    assert [row.label for row in metrics.labels] == [x for x in data.labels if x != "AU04"]
    for row in metrics.labels:
        soft = data.targets[TEST, data.labels.index(row.label)]
        assert (row.rows, row.positives) == (len(TEST), (soft >= 2).sum())
        assert row.auc == pytest.approx(binary_metrics.auc(said, soft >= 2), nan_ok=True)
        if np.ptp(soft):
            assert row.spearman == pytest.approx(stats.spearmanr(said, soft).statistic)
        else:
            assert np.isnan(row.spearman)
    assert metrics.mean_spearman == pytest.approx(np.nanmean([r.spearman for r in metrics.labels]))


def test_portraits_of_sheets_that_were_trained_on_are_counted(metrics):
    assert metrics.rows == len(TEST)
    assert metrics.origins == ("SFHQ-T2I",)
    assert metrics.subjects == 5
    assert metrics.rows_of_known_subjects == 12
