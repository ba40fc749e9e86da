import dataclasses

from rtau_train.report.networks import PAPER_NETWORKS, networks_of, protocols_of
from rtau_train.report.results import StudyResults


def test_the_paper_s_networks_are_there_even_if_not_run(results1):
    nothing = StudyResults(results1.study, ())

    networks = networks_of(nothing, "disfa+")
    assert [one.network for one in networks] == list(PAPER_NETWORKS)
    assert [one.letter for one in networks] == ["A", None, None, None, "D", "F"]
    assert all(one.metrics("image") is None for one in networks)
    assert protocols_of(networks) == []


def test_runs_are_gathered_by_network_and_protocol(results1):
    networks = networks_of(results1, "disfa+")

    assert protocols_of(networks) == ["image", "subject"]
    assert networks[0].means("subject") is networks[0].by_protocol["subject"].metrics.means


def test_variants_are_networks_of_their_own_beside_their_kind(results1):
    run = results1.runs[0]
    frozen = dataclasses.replace(run.experiment, key="frozen", variant="last block only")
    both = StudyResults(
        results1.study, (*results1.runs, dataclasses.replace(run, experiment=frozen))
    )

    names = [one.name for one in networks_of(both, "disfa+")]
    assert names[:2] == ["VGG19", "VGG19 (last block only)"]


def test_a_letter_of_the_study_is_believed(results1):
    run = results1.runs[1]
    lettered = dataclasses.replace(run.experiment, letter="B")
    results = StudyResults(results1.study, (dataclasses.replace(run, experiment=lettered),))

    found = {one.network: one.letter for one in networks_of(results, "disfa+")}
    assert found["resnet101"] == "B"
