import pytest

from rtau.shown import message, shown, without_passwords


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain.mp4", "plain.mp4"),
        ("Stück 三\u3000人.mp4", "Stück 三\u3000人.mp4"),
        ("a\x1b]0;owned\x07.mp4", r"a\x1b]0;owned\x07.mp4"),
        ("a\nrtau: b", r"a\nrtau: b"),
        ("gpj.\u202e4pm", r"gpj.\u202e4pm"),
        ("c1 \x9b31m", r"c1 \x9b31m"),
        ("caf\udce9.jpg", r"caf\xe9.jpg"),
    ],
)
def test_a_name_is_shown_on_one_line_that_no_terminal_obeys(text, expected):
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://user:s3cr3t@cam/live", "rtsp://cam/live"),
        ("rtsp://user:s3/cr@3t@cam:554/live", "rtsp://cam:554/live"),
        ("http://user@cam/", "http://cam/"),
        ("http://cam:8080/a@b", "http://cam:8080/a@b"),
        ("http://cam/x?password=s3cr3t&size=1", "http://cam/x?password=***&size=1"),
        ("http://cam/x?size=1&token=s3cr3t", "http://cam/x?size=1&token=***"),
        (
            "rtspsrc location=rtsp://u:s3cr3t@cam user-id=u user-pw=s3cr3t ! appsink",
            "rtspsrc location=rtsp://cam user-id=u user-pw=*** ! appsink",
        ),
        ("mail@example.org, 2=2", "mail@example.org, 2=2"),
    ],
)
def test_addresses_are_shown_without_what_is_secret(text, expected):
    assert without_passwords(text) == expected


def test_a_message_is_both():
    assert message("rtsp://u:p@cam/\x1b[1m") == r"rtsp://cam/\x1b[1m"
