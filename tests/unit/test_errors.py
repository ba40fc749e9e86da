import pytest

from rtau import errors

CHILDREN = {
    errors.UsageError: ValueError,
    errors.ConfigError: ValueError,
    errors.SourceOpenError: OSError,
    errors.SourceError: OSError,
    errors.DetectorError: RuntimeError,
    errors.ContractError: ValueError,
    errors.BackendUnavailable: ImportError,
    errors.EngineError: RuntimeError,
    errors.SinkError: OSError,
}


def test_the_list_above_is_complete():
    defined = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert defined == {errors.RtauError, *CHILDREN}


@pytest.mark.parametrize(("kind", "builtin"), CHILDREN.items())
def test_every_error_is_an_rtau_error_and_a_builtin_one(kind, builtin):
    with pytest.raises(builtin) as caught:
        raise kind("what, wanted, got, next")
    assert isinstance(caught.value, errors.RtauError)
    assert str(caught.value) == "what, wanted, got, next"


@pytest.mark.parametrize("kind", CHILDREN)
def test_a_wrong_request_exits_2_and_a_failed_run_1(kind):
    assert kind.exit_code == (2 if issubclass(kind, errors.UsageError) else 1)
