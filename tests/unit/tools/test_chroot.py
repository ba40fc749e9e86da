from tests.support.commands import ROOT
from tools import chroot

FILE = """\
# a comment
FROM debian:bookworm-slim
RUN apt-get update \\
    && apt-get install python3
COPY . .
ENTRYPOINT ["rtau"]
"""


def test_a_dockerfile_is_read_as_its_instructions():
    assert list(chroot.instructions(FILE)) == [
        ("FROM", "debian:bookworm-slim"),
        ("RUN", "apt-get update && apt-get install python3"),
        ("COPY", ". ."),
        ("ENTRYPOINT", '["rtau"]'),
    ]


def test_the_image_of_a_cpu_has_no_root_and_no_windows():
    made = dict(chroot.instructions((ROOT / "docker/Dockerfile.cpu").read_text(encoding="utf-8")))
    assert made["FROM"] in chroot.IMAGES
    assert made["USER"] == "rtau"
    assert made["ENTRYPOINT"] == '["rtau"]'
