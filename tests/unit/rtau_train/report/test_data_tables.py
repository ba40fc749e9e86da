from rtau_train.report.published.tables import paper1
from tests.support.report_pages import heads_of, row_of, table_of


def test_counts_stand_beside_the_paper_s_tables(document1):
    table = table_of(document1, "Images per AU in DISFA+: Table 3")

    assert [cell.text for cell in row_of(table, "AU1")[1:]] == [
        *("7,275", "5,107", "635", "1,533"),
        *("400", "280", "40", "80"),
    ]
    assert [cell.text for cell in row_of(table, "sum")[1:3]] == ["72,150", "50,429"]
    assert heads_of(table)[5] == "here, split by image: total"


def test_tables_without_counts_of_ours_say_so(document1):
    for number in ("4", "5"):
        captions = [
            block.caption
            for section in document1.sections
            for block in section.blocks
            if getattr(block, "caption", "").endswith(f"Table {number}; ours: not given")
        ]
        assert len(captions) == 1


def test_the_hyper_parameters_of_each_network_stand_beside_table_6(document1):
    table = table_of(document1, "Table 6 beside ours")
    heads = heads_of(table)

    vgg19 = dict(zip(heads, [cell.text for cell in row_of(table, "VGG19")], strict=True))
    assert vgg19["batch size: published"] == "24"
    assert vgg19["learning rate: published"] == "0.001"
    assert vgg19["loss function: published"] == "Adam"
    assert vgg19["loss function: here"] == "binary cross-entropy"
    assert vgg19["optimiser: here"] == "Adam"
    mobile = dict(zip(heads, [cell.text for cell in row_of(table, "MobileNetV2")], strict=True))
    assert (mobile["batch size: published"], mobile["batch size: here"]) == ("48", "48")
    assert mobile["learning rate: published"] == "0.0001"
    assert len(table.rows) == len(paper1().letters)


def test_the_second_paper_s_settings_stand_beside_ours(document2):
    table = table_of(document2, "Hyper-parameters, the paper's beside ours")

    assert [cell.text for cell in row_of(table, "training epochs")] == [
        "training epochs",
        "20",
        "3",
        "3",
        "not run",
    ]
    assert row_of(table, "learning rate")[1].text == "1e-05 to 0.01"


def test_the_second_paper_s_sizes(document2):
    table = table_of(document2, "Sizes of the data, as published")

    assert row_of(table, "FER2013 training images")[1].text == "28,709"
