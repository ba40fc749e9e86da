"""What differs from the papers and why, and what does not add up in them.

Standing sentences about the method, then those the study adds. Called by the page.
"""

from __future__ import annotations

from rtau_train.report.document import Points, Section, Words
from rtau_train.report.published.doubts import doubts_of_paper1, doubts_of_paper2
from rtau_train.report.published.tables import paper1, paper2
from rtau_train.report.results import StudyResults

_OF_PAPER_1 = (
    "The loss is not stated in the paper: binary cross-entropy is used.",
    "The decision rule behind the published F1 is not stated; 0.5 is taken for the comparison, and "
    "F1 at thresholds chosen on the validation part stands beside it.",
    "Beside the paper's split by image there is one by subject. Where both are given, their "
    "difference is what knowing the people is worth.",
    "Crops are cut by rtau's own code, the same in training and at run time.",
)
_OF_PAPER_2 = (
    "The paper trained with fastai, whose defaults are not ours. Its head concatenates average and "
    "max pooling and has two layers with batch norms, dropout of .25 and .5 and 512 units between; "
    "ours is global average pooling and one linear layer, whose Grad-CAM is exact in closed form.",
    "fastai's fine-tuning trains the head alone for one epoch, then everything with a one-cycle "
    "schedule that starts anew, with momentum cycled against the rate; ours is one cycle over all "
    "epochs with AdamW. Its usual augmentation (flips, turns, zoom, warps, light) is not stated by "
    "the paper; ours is what the recipe's [augment] holds.",
    "The paper's range of learning rates was found with fastai on its own data; ours is in the "
    "recipes.",
    "The paper does not say which network its accuracy belongs to, nor on which part of the data "
    "it was measured, apart from its matrix.",
)


def differences_section(results: StudyResults, /) -> Section:
    """Returns what differs from the paper, and why."""
    study = results.study
    standing = _OF_PAPER_1 if study.study == "paper1" else _OF_PAPER_2
    count = len(study.reduced)
    reduced = (f"{count} values are other than in the recipes: a table above names them.",)
    items = (study.data, *(reduced if count else ()), *study.differences, *standing)
    return Section("differences", "What differs from the paper, and why", (Points(items),))


def doubts_section(results: StudyResults, /) -> Section:
    """Returns what does not add up in the paper itself."""
    if results.study.study == "paper1":
        items = doubts_of_paper1(paper1())
    else:
        items = doubts_of_paper2(paper2())
    about = Words("Found while its numbers were transcribed; recomputed from them where possible.")
    return Section("doubts", "What does not add up in the paper", (about, Points(items)))
