import json
from pathlib import Path

import pytest

from rtau import config, config_file
from rtau.errors import ConfigError


def test_defaults_are_within_their_own_ranges():
    values = {(item.section, item.key): item.default for item in config.settings()}

    assert config.build(values) == config.RunConfig()


def test_every_setting_has_words_and_a_flag_of_its_own():
    items = list(config.settings())

    assert all(item.description for item in items)
    assert len({item.flag for item in items}) == len(items)


def test_given_values_replace_defaults_and_nothing_else():
    built = config.build({("decide", "smooth"): 0.5, ("output", "out"): "a.mp4"})

    assert built.decide.smooth == 0.5
    assert built.output.out == Path("a.mp4")
    assert built.find == config.FindConfig()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (("decide", "smooth"), -1.0, r"--smooth must lie in \[0, 10\], got -1"),
        (("decide", "smooth"), float("nan"), r"--smooth must lie in \[0, 10\], got nan"),
        (("source", "max_frames"), 0, r"--max-frames must lie in \[1, inf\], got 0"),
        (("source", "max_frames"), 1.5, "--max-frames must be int, got float 1.5"),
        (("overlay", "blur"), 1, "--blur must be bool, got int 1"),
        (("model", "threads"), True, "--threads must be int, got bool True"),
        (("output", "view"), "vr", "--view must be one of auto, window, terminal, none, got 'vr'"),
    ],
)
def test_wrong_values_say_wanted_and_got(key, value, words):
    with pytest.raises(ConfigError, match=words):
        config.build({key: value})


def test_seats_are_a_list_of_texts_and_are_checked(tmp_path):
    path = tmp_path / "rtau.toml"
    path.write_text('[find]\nseat = ["left=0,0,0.5,1"]\n')

    built = config.build(config_file.read_toml(path))

    assert built.find.seat == ("left=0,0,0.5,1",)
    assert built.to_dict()["find"]["seat"] == ["left=0,0,0.5,1"]
    with pytest.raises(ConfigError, match="a seat must be NAME=x0,y0,x1,y1"):
        config.build({("find", "seat"): ("left",)})


def test_a_toml_file_is_read_by_section(tmp_path):
    path = tmp_path / "rtau.toml"
    path.write_text('[decide]\nsmooth = 1\n[output]\ncsv = "x.csv"\n')

    built = config.build(config_file.read_toml(path))

    assert built.decide.smooth == 1.0
    assert built.output.csv == "x.csv"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[decide]\nsmoth = 1", "unknown key decide.smoth; did you mean decide.smooth?"),
        ("[zzz]\nqqq = 1", "unknown key zzz; known: source, find, model"),
        ("smooth = 1", "unknown key smooth; did you mean decide.smooth?"),
        ("source = 1", "source must be a table, got int 1"),
        ("[decide]\nsmooth = 11", r"decide.smooth must lie in \[0, 10\], got 11"),
        ("[decide", "not a TOML file"),
        ("[source]\nmax_frames = " + "9" * 5000, "not a TOML file"),
        ("[find]\ndetect_every = " + "9" * 400, "must be a number below 1e308"),
        ("a = " + "[" * 5000, "not a TOML file"),
    ],
)
def test_a_wrong_toml_file_is_named(tmp_path, text, words):
    path = tmp_path / "rtau.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=words):
        config_file.read_toml(path)


def test_a_byte_order_mark_is_no_part_of_a_toml_file(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[find]\nmax_faces = 2\n", encoding="utf-8-sig")
    assert config_file.read_toml(path) == {("find", "max_faces"): 2}


def test_a_missing_toml_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: the config cannot be read"):
        config_file.read_toml(tmp_path / "none.toml")


def test_a_config_turns_into_plain_json():
    built = config.build({("output", "out"): "a.mp4"})

    assert json.loads(json.dumps(built.to_dict()))["output"]["out"] == "a.mp4"
