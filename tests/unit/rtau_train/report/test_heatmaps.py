import dataclasses

import pytest

from rtau_train.report.document import Fold, PictureGrid, Words
from rtau_train.report.heatmaps import heatmaps_section
from rtau_train.report.results import PNG_HEAD, Panel, PanelFile, StudyResults
from tests.support.report_pages import heads_of, row_of, table_of


def grids(results):
    return [b for b in heatmaps_section(results).blocks if isinstance(b, PictureGrid)]


def test_panels_are_arranged_as_in_the_paper(results1):
    found = grids(results1)

    numbers = [grid.caption.rpartition("Figure ")[2] for grid in found]
    assert numbers == ["7)", "8)", "11)", "12)"]
    for grid in found:
        assert grid.head == ("VGG19", "ShuffleNetV2")
        assert [title for title, _ in grid.rows] == ["Grad-CAM++", "Grad-CAM"]
        for _, columns in grid.rows:
            assert [[one.caption for one in column] for column in columns] == [["AU4", "AU25"]] * 2


def test_without_panels_the_report_says_so(results1):
    bare = tuple(dataclasses.replace(run, panels=()) for run in results1.runs)
    section = heatmaps_section(StudyResults(results1.study, bare))

    words = [block.text for block in section.blocks if isinstance(block, Words)]
    assert sum(text.startswith("Heatmap panels, ") and "not run" in text for text in words) == 4
    assert not [block for block in section.blocks if isinstance(block, PictureGrid)]


def test_a_picture_of_several_networks_takes_the_place_of_the_grid(results1):
    bare = tuple(dataclasses.replace(run, panels=()) for run in results1.runs)
    panel = (PanelFile("disfa+", "outside", "p.png", "VGG19 beside ShuffleNetV2"), PNG_HEAD)
    section = heatmaps_section(StudyResults(results1.study, bare, (panel,)))

    captions = [getattr(block, "caption", "") for block in section.blocks]
    assert any("Figure 8). VGG19 beside ShuffleNetV2" in caption for caption in captions)
    assert not any("Figure 8" in b.text for b in section.blocks if isinstance(b, Words))


def test_panels_without_a_place_are_shown_on_demand(results1):
    odd = Panel('<b>odd".png', "", "", "", PNG_HEAD)
    run = dataclasses.replace(results1.runs[0], panels=(odd,))
    section = heatmaps_section(StudyResults(results1.study, (run,)))

    (fold,) = [block for block in section.blocks if isinstance(block, Fold)]
    assert fold.blocks[0].caption == '<b>odd".png'


@pytest.mark.parametrize(
    ("field", "caption", "chance"),
    [("hit_rate", "Hit rate", "0.220"), ("energy", "Energy", "0.200")],
)
def test_quality_stands_per_network_and_method_beside_chance(
    document1, results1, field, caption, chance
):
    table = table_of(document1, f"{caption} of heatmaps, DISFA+, split by image")
    metrics = next(r.metrics for r in results1.runs if r.experiment.key == "vgg19-disfa-image")
    plain = {cam.label: cam for cam in metrics.cams if cam.method == "gradcam"}
    place = heads_of(table).index("VGG19: Grad-CAM")

    cell = row_of(table, "AU4")[place]
    assert cell.text == f"{getattr(plain['AU04'], field):.3f}"
    mean = sum(getattr(cam, field) for cam in plain.values()) / len(plain)
    assert row_of(table, "mean")[place].text == f"{mean:.3f}"
    assert row_of(table, "AU4")[-1].text == chance
    for row in table.rows:
        for one in row[1:-1]:
            if not one.is_missing:
                assert one.is_weak == (float(one.text) <= float(chance))


def test_a_mean_over_empty_heatmaps_is_unknown_and_not_called_not_run(results1):
    nan = float("nan")
    blank = {"hit_rate": nan, "energy": nan, "chance": nan, "hit_chance": nan, "rows": 0}
    run = results1.runs[0]
    cams = tuple(dataclasses.replace(cam, **blank) for cam in run.metrics.cams)
    metrics = dataclasses.replace(run.metrics, cams=cams)
    results = StudyResults(results1.study, (dataclasses.replace(run, metrics=metrics),))

    tables = [b for b in heatmaps_section(results).blocks if getattr(b, "summary_rows", 0)]

    for table in tables:
        place = heads_of(table).index("VGG19: Grad-CAM")
        assert row_of(table, "mean")[place].text == "n/a"


def test_a_network_without_heatmap_figures_was_not_measured(document1):
    table = table_of(document1, "Energy of heatmaps, DEM, split by image")
    place = heads_of(table).index("NASNet Mobile: Grad-CAM")

    assert {row[place].text for row in table.rows} == {"not run"}
