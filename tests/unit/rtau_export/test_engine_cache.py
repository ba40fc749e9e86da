import dataclasses
import threading

import pytest

from rtau_export._engine_cache import EngineCache, EngineKey, write_whole

KEY = EngineKey(
    onnx_sha256="0" * 64,
    library="tensorrt 10.3.0",
    target="Orin (sm_87)",
    precision="fp16, weak",
    batch=(1, 8, 32),
)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(EngineKey)])
def test_a_key_depends_on_every_field(field):
    other = dataclasses.replace(KEY, **{field: (1, 2, 3) if field == "batch" else "other"})
    assert other.digest != KEY.digest
    assert dataclasses.replace(KEY).digest == KEY.digest


def test_what_is_kept_is_read_back_and_nothing_else_lies_about(tmp_path):
    cache = EngineCache(tmp_path)
    assert cache.read(KEY) is None
    cache.keep(KEY, b"plan")
    assert cache.read(KEY) == b"plan"
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY.digest}.engine"]


def test_the_users_cache_is_where_the_desktop_says(tmp_path):
    cache = EngineCache.of_user({"XDG_CACHE_HOME": str(tmp_path)})
    assert cache.path(KEY).parent == tmp_path / "rtau" / "engines"


def test_timings_are_kept_by_library_and_gpu(tmp_path):
    cache = EngineCache(tmp_path)
    path = cache.timing_path("tensorrt 10.3.0", "Orin (sm_87)")
    assert path.name == "tensorrt-10.3.0-orin-sm_87.timing-cache"
    assert cache.read_timings(path) == b""
    write_whole(path, b"timings")
    assert cache.read_timings(path) == b"timings"


def test_a_lock_keeps_others_out_until_it_is_let_go(tmp_path):
    cache = EngineCache(tmp_path / "new")
    order = []
    waiting = threading.Event()

    def second():
        waiting.set()
        with cache.lock(cache.path(KEY)):
            order.append("second")

    with cache.lock(cache.path(KEY)):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        thread.join(0.05)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_a_write_that_fails_names_the_file_and_leaves_the_old_one(tmp_path):
    path = tmp_path / "a.engine"
    write_whole(path, b"old")
    with pytest.raises(TypeError):
        write_whole(path, "no bytes")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match=r"a\.engine.b\.engine"):
        write_whole(path / "b.engine", b"x")
