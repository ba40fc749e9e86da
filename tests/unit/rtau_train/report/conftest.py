import pytest

from rtau_train.report.html import as_html
from rtau_train.report.markdown import as_markdown
from rtau_train.report.page import document_of
from rtau_train.report.results import read_results


@pytest.fixture(scope="session")
def results1(folder1):
    return read_results(folder1)


@pytest.fixture(scope="session")
def results2(folder2):
    return read_results(folder2)


@pytest.fixture(scope="session")
def document1(results1):
    return document_of(results1)


@pytest.fixture(scope="session")
def document2(results2):
    return document_of(results2)


@pytest.fixture(scope="session")
def html1(document1):
    return as_html(document1)


@pytest.fixture(scope="session")
def html2(document2):
    return as_html(document2)


@pytest.fixture(scope="session")
def markdown1(document1):
    return as_markdown(document1, page="index.html")


@pytest.fixture(scope="session")
def markdown2(document2):
    return as_markdown(document2, page="index.html")
