"""The first section: what data this is, what was reduced, what came of it at one glance.

Takes results, returns a section. Called by the page.
"""

from __future__ import annotations

from rtau_train.evaluation.bootstrap import DRAWS
from rtau_train.report import cells, names
from rtau_train.report.au_means import macro_cell
from rtau_train.report.document import Block, Cell, Points, Section, Table, Words
from rtau_train.report.emotion_tables import judged_runs
from rtau_train.report.networks import networks_of, protocols_of
from rtau_train.report.published.tables import LETTERS, paper1, paper2
from rtau_train.report.results import StudyResults

_OF_AUS = (
    "By image is the paper's protocol: pictures are split at random, so the same person is in "
    "training and in test. By subject keeps every person in one part; it is what to expect of new "
    "people, and the figure to quote.",
    "F1 is decided at probability 0.5 unless a threshold is named; thresholds are those of best F1 "
    "on the validation part. A figure over labels leaves out those that never occur in the part.",
)
_OF_EMOTIONS = (
    "What is said is the most probable emotion. Public test and private test are the two test "
    "parts of FER2013; the paper's matrix is of the public one. As given: the parts are those the "
    "data came with. By image and by subject: split at random over pictures or over people.",
)
_OF_INTERVALS = (
    f"Intervals are 95 % bootstrap intervals over people ({DRAWS:,} draws): how far the figure "
    "would move with other people in the test part. They do not cover another seed or another "
    "split. Where the data name no people, every picture counts as its own person. n/a: one person "
    "only, or nothing to count."
)


def overview_section(results: StudyResults, /) -> Section:
    """Returns the plain statements a reader must not miss, and the outcome in one table."""
    study = results.study
    blocks: list[Block] = [Words(study.data, is_notice=True)]
    if study.notes:
        blocks.append(Points(study.notes))
    blocks.append(Words(_progress(results)))
    blocks.append(_outcome_1(results) if study.study == "paper1" else _outcome_2(results))
    reading = _OF_AUS if study.study == "paper1" else _OF_EMOTIONS
    if study.reduced:
        blocks.append(_reduced(results))
    blocks.append(Points((*reading, _OF_INTERVALS)))
    return Section("overview", "What this is", tuple(blocks))


def _progress(results: StudyResults) -> str:
    missing = [run.experiment.key for run in results.runs if run.metrics is None]
    done = len(results.runs) - len(missing)
    words = f"{done} of {len(results.runs)} experiments were run."
    return f"{words} Not run: {names.listed(missing)}." if missing else words


def _reduced(results: StudyResults) -> Table:
    rows = [(Cell(one.what), Cell(one.published), Cell(one.used)) for one in results.study.reduced]
    caption = (
        "What was reduced or changed. The recipes hold the paper's values, and where the paper "
        "gives none, what their headers say"
    )
    return Table(caption, ("what", "in the recipe", "here"), tuple(rows), is_text=True)


def _outcome_1(results: StudyResults) -> Table:
    rows = []
    for table in paper1().f1:
        highest = max(table.average)
        letter = LETTERS[table.average.index(highest)]
        published = Cell(f"{highest:.4f}", note=_letter_words(letter))
        networks = networks_of(results, table.dataset)
        for protocol in protocols_of(networks) or ["image"]:
            known = [(one, means) for one in networks if (means := one.means(protocol))]
            what = (Cell(names.dataset_name(table.dataset)), Cell(names.PROTOCOLS[protocol]))
            if not known:
                rows.append((*what, *[cells.not_run()] * 4, published))
                continue
            best, means = max(known, key=lambda pair: pair[1].macro_f1_half)
            baseline = cells.number_cell(means.macro_f1_all_positive)
            area = cells.number_cell(means.mean_auc)
            row = (*what, Cell(best.name), macro_cell(means), baseline, area, published)
            rows.append(row)
    caption = "At one glance: the best network of each data set and split, by macro-F1 at 0.5"
    head = ("data set", "split", "best here", "macro-F1", "always present", "AUC", "best published")
    return Table(caption, head, tuple(rows), text_columns=3)


def _letter_words(letter: str) -> str:
    return f"{letter} {names.network_name(paper1().letters[letter])}".strip()


def _outcome_2(results: StudyResults) -> Table:
    paper = paper2()
    rows: list[tuple[Cell, ...]] = []
    known = judged_runs(results)
    for dataset, part in dict.fromkeys((one.run.experiment.dataset, one.part) for one in known):
        same = [one for one in known if (one.run.experiment.dataset, one.part) == (dataset, part)]
        best = max(same, key=lambda one: one.classes.accuracy)
        published = cells.not_given()
        if best.is_comparable:
            share = names.percent(paper.matrix.right / paper.matrix.images)
            published = Cell(share, note="the printed matrix, ResNet18")
        row = (
            *(Cell(names.dataset_name(dataset)), Cell(part)),
            Cell(names.network_name(best.run.experiment.network)),
            cells.accuracy_cell(best.classes),
            Cell(names.percent(best.classes.majority_accuracy)),
            published,
        )
        rows.append(row)
    datasets = dict.fromkeys(run.experiment.dataset for run in results.runs)
    missing = [one for one in datasets if one not in {a.run.experiment.dataset for a in known}]
    rows += [(Cell(names.dataset_name(one)), *[cells.not_run()] * 5) for one in missing]
    caption = (
        "At one glance: the best network of each data set and part by accuracy. The paper's text "
        f"gives {names.percent(paper.accuracy)} without naming network and part"
    )
    head = ("data set", "part", "best here", "accuracy", "always the most frequent", "published")
    return Table(caption, head, tuple(rows), text_columns=3)
