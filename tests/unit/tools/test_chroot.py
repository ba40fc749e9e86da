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


def test_tables_of_two_machines_agree_within_the_bounds(capsys):
    def table(decision, probability):
        rows = "".join(f"{k},1,{decision},{probability}\n" for k in range(200))
        return f"frame,face_id,AU12_c,AU12_p\n{rows}"

    assert chroot.compared(table(1, 0.5), table(1, 0.529))
    assert not chroot.compared(table(1, 0.5), table(1, 0.54))
    assert not chroot.compared(table(1, 0.5), table(0, 0.5))
    assert not chroot.compared(table(1, 0.5), table(1, 0.5).replace("\n3,1,", "\n3,2,"))
    assert "equal decisions: 100.00% of 200" in capsys.readouterr().out
