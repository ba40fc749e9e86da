"""What does not add up in the papers: recomputed from their numbers where there are numbers.

Says what was found, not why; repeats no text of the papers. Called by the report.
"""

from __future__ import annotations

from collections.abc import Iterator

from rtau_train.report.published.tables import LETTERS, Counts, F1Table, Paper1, Paper2

# An average of twelve four-digit values may differ from its printed form by its own rounding.
_ROUNDING = 1e-4
# Of the networks with the 512 + 12 head, in millions: all, and what the last block alone has.
_VGG19_MILLIONS, _VGG19_LAST_BLOCK_MILLIONS = 20.3, 9.7
_SHUFFLENET_MILLIONS = "1.78 (x1.0), 3.0 (x1.5) or 6.4 (x2.0)"

_UNNUMBERED_1 = (
    "Table 6 names Adam as the loss function. Adam is an optimiser; the loss is not stated. Here "
    "it is binary cross-entropy.",
    "The pooling before the classifier is called both average and max. Average is the default "
    "here, max an option.",
    f"20.2 million trainable parameters are given for VGG19. It has {_VGG19_MILLIONS} million in "
    "all with this head, so its training cannot also have been frozen except for the last block "
    f"({_VGG19_LAST_BLOCK_MILLIONS} million then). The 130 million also given are those of the "
    "ImageNet network with its own dense head.",
    "4.5 million trainable parameters are given for ShuffleNetV2. With this head it has "
    f"{_SHUFFLENET_MILLIONS} million.",
    "The split is by image as far as the text says, and DISFA+ has nine people: the same person is "
    "in training and in test. Its scores are about people the networks know. Hence the "
    "subject-independent columns beside the paper's protocol.",
    "Which of the letters B, C and E is ResNet101, NASNet Mobile and MobileNetV2 is not in the "
    "text. Their columns stand apart here and are compared with no network.",
    "DEM's crops have 244 px and the networks take 224; only for DISFA+ a reduction is described.",
)


def doubts_of_paper1(paper: Paper1, /) -> tuple[str, ...]:
    """Returns a sentence or two for each thing that does not add up in the first paper."""
    found: list[str] = []
    for counts in paper.counts:
        found.extend(_sums(counts))
    for table in paper.f1:
        found.extend(_averages(table))
        found.extend(_bold(table))
    found.extend((_labels_in_text(paper), _augmentation(paper), _swin(paper)))
    return (*found, *_UNNUMBERED_1)


def doubts_of_paper2(paper: Paper2, /) -> tuple[str, ...]:
    """Returns a sentence or two for each thing that does not add up in the second paper."""
    matrix = paper.matrix
    share = matrix.right / matrix.images
    return (
        f"The printed matrix (ResNet18) has {matrix.right} of {matrix.images} images on its "
        f"diagonal, {share:.2%}; the text gives {paper.accuracy:.2%}, and does not say for which "
        "network.",
        f"The matrix's row sums ({', '.join(str(sum(row)) for row in matrix.rows)}) are those of "
        f"FER2013's public test, all {paper.fer2013_public_test} of it: no CK+ image is in it.",
        f"{paper.ckplus_images} images are said to come from CK+, the very number of FER2013's "
        f"test images; CK+ has {paper.ckplus_labelled} labelled sequences.",
        f"A top loss has index {paper.top_loss_index}, beyond the {matrix.images} images.",
        "Training is on either of the two sets at a time; no figure is given for CK+ alone.",
        "Only one network has a matrix, and no accuracy is given per network: ResNet34 and "
        "ResNet50 have nothing to compare with.",
        "CK+ has contempt and no neutral class; which of its frames served as neutral is not said. "
        "`rtau-train prepare ckplus` states the mapping it uses.",
        "Table 1 gives "
        + ", ".join(f"{network.gflops}" for network in paper.networks)
        + " GFLOPs for the three networks, Table 2 gives 1.8, 3.6 and 3.8 x 10^9 operations.",
    )


def _sums(counts: Counts) -> Iterator[str]:
    for label, (total, *parts) in counts.rows.items():
        if sum(parts) != total:
            yield (
                f"Table {counts.table}, {label}: {' + '.join(map(str, parts))} = {sum(parts)}, "
                f"printed {total}."
            )


def _averages(table: F1Table) -> Iterator[str]:
    for letter, column, printed in zip(
        LETTERS, zip(*table.rows.values(), strict=True), table.average, strict=True
    ):
        mean = sum(column) / len(column)
        if abs(mean - printed) > _ROUNDING:
            yield (
                f"Table {table.table}, column {letter}: the average is printed as {printed:.4f}; "
                f"its {len(column)} values give {mean:.4f}. The other averages agree with their "
                "columns."
            )


def _bold(table: F1Table) -> Iterator[str]:
    for label, values in table.rows.items():
        best = LETTERS[values.index(max(values))]
        printed = table.bold[label]
        if best != printed:
            printed_value = values[LETTERS.index(printed)]
            yield (
                f"Table {table.table}, {label}: {printed} is in bold with {printed_value:.4f}, "
                f"{best} has {max(values):.4f}."
            )


def _labels_in_text(paper: Paper1) -> str:
    summed = sum(row[0] for row in paper.counts_of("3").rows.values())
    said = paper.text.disfa_plus_labels
    return f"Table 3 sums to {summed:,} labels; the text says about {said:,}."


def _augmentation(paper: Paper1) -> str:
    before, after = paper.counts_of("4").rows, paper.counts_of("5").rows
    grown = after["AU20"][3] - before["AU20"][3]
    return (
        f"Augmented images are counted in validation and test (Table 5): AU20 has {grown} more "
        f"test images than the {before['AU20'][3]} of Table 4, and AU12, which gained none in all, "
        f"went from {before['AU12'][1]} to {after['AU12'][1]} training images. The split was drawn "
        "after the augmentation, so copies of one photograph lie on both sides."
    )


def _swin(paper: Paper1) -> str:
    column = next(one for one in paper.compared if "[9]" in one.method)
    mean = sum(column.f1.values()) / len(column.f1)
    return (
        f"Table 9's column for [9] averages {mean:.3f}; the text gives 0.60 and 0.54 for that "
        "work's two networks."
    )
