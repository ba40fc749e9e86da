"""Which runs belong to one network of a study, and under which protocols.

Takes results, returns records; writes no table. Called by the sections of the report.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rtau_train.evaluation.run_metrics import MeanMetrics, RunMetrics
from rtau_train.recipe import Protocol
from rtau_train.report import names
from rtau_train.report.published.tables import paper1
from rtau_train.report.results import Run, StudyResults

# The paper's networks in the order of its text; they have rows and columns even if not run.
PAPER_NETWORKS = (
    "vgg19",
    "resnet101",
    "nasnet_mobile",
    "mobilenetv2",
    "efficientnet_b0",
    "shufflenetv2_x1_0",
)


@dataclasses.dataclass(frozen=True)
class NetworkRuns:
    """The runs of one network, or of one variant of it, on one data set by protocol."""

    network: str
    variant: str
    letter: str | None
    by_protocol: dict[str, Run]

    @property
    def name(self) -> str:
        """As the report writes it."""
        name = names.network_name(self.network)
        return f"{name} ({self.variant})" if self.variant else name

    def metrics(self, protocol: str, /) -> RunMetrics | None:
        """Returns the figures under a protocol; None where it was not run."""
        run = self.by_protocol.get(protocol)
        return run.metrics if run else None

    def means(self, protocol: str, /) -> MeanMetrics | None:
        """Returns the means over the AUs under a protocol; None where it was not run."""
        metrics = self.metrics(protocol)
        return metrics.means if metrics else None


def networks_of(results: StudyResults, dataset: str, /) -> list[NetworkRuns]:
    """Returns the networks of a data set, the paper's first, each with its runs."""
    found: dict[tuple[str, str], NetworkRuns] = {}
    runs = [run for run in results.runs if run.experiment.dataset == dataset]
    for network in PAPER_NETWORKS if results.study.study == "paper1" else ():
        if not any(run.experiment.network == network for run in runs):
            found[network, ""] = NetworkRuns(network, "", paper1().letter_of(network), {})
    for run in runs:
        one = run.experiment
        letter = one.letter or paper1().letter_of(one.network)
        key = (one.network, one.variant)
        found.setdefault(key, NetworkRuns(*key, letter, {})).by_protocol[one.protocol] = run
    order = {network: place for place, network in enumerate(PAPER_NETWORKS)}
    return sorted(found.values(), key=lambda one: order.get(one.network, len(order)))


def protocols_of(networks: Sequence[NetworkRuns], /) -> list[Protocol]:
    """Returns the protocols that any network was run under, the paper's first."""
    every: tuple[Protocol, ...] = ("image", "subject", "given")
    return [one for one in every if any(one in network.by_protocol for network in networks)]
