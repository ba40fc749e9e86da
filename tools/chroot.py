"""Debian systems in a folder: what a Dockerfile says, without Docker, and an emulated board.

`make image` follows docker/Dockerfile.cpu line by line and runs the result as its user on a root
that cannot be written; `make bare` runs `make demo` and `make test` of a clone without root where
little is installed; `make aarch64` tries the wheel on an emulated aarch64 machine. They need root,
debootstrap and Debian's packages.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUITE = "bookworm"
# Images that debootstrap's variant minbase stands for.
IMAGES = ("debian:bookworm-slim",)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Two processor types must agree: shares of all decisions, and of all probabilities that are near.
EQUAL_DECISIONS, NEAR_PROBABILITIES, NEAR = 0.995, 0.99, 0.03
# The runtime's tests that score no video: of one, an emulated machine scores a frame in 7 seconds.
FAST_TESTS = (
    *(
        f"tests/unit/test_{name}.py"
        for name in (
            *("argument_parser", "baseline", "columns", "config", "contract", "data", "decisions"),
            *("errors", "face", "facs", "geometry", "intensity", "markers", "seats", "shown"),
            *("squares", "status", "strict_parser", "timing"),
        )
    ),
    "tests/unit/analysis",
)
TEST_LIBRARIES = ("hypothesis", "pytest", "pytest-timeout")
# What `make` needs before it has a .venv.
BARE, USER = "python3-venv,make,git,ca-certificates", "somebody"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class Chroot:
    """A Debian system in a folder; nothing outside of it is changed."""

    def __init__(self, folder: Path, *, arch: str | None = None, include: str = "") -> None:
        """Makes the system with debootstrap.

        Args:
            folder: where; empty, or not there yet.
            arch: an architecture to emulate; None for this machine's.
            include: packages beside those of minbase, with commas between.

        Raises:
            SystemExit: not root, a program is missing, or the folder is not empty.
        """
        self.folder = folder
        self._is_emulated = arch is not None
        self._env = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", **_passed_on()}
        programs = ["debootstrap", *(["qemu-aarch64-static"] if arch else [])]
        if os.geteuid() != 0 or not all(map(shutil.which, programs)):
            raise SystemExit(
                "rtau: a chroot needs root, debootstrap and, for aarch64, an emulator: apt-get "
                "install -y debootstrap qemu-user-static, as root"
            )
        if folder.exists() and any(folder.iterdir()):
            raise SystemExit(f"rtau: {folder} must be empty: remove it, or name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        how = ["--variant=minbase", *([f"--include={include}"] if include else [])]
        if arch:
            _register_emulation()
            how += [f"--arch={arch}", "--foreign"]
        _run(["debootstrap", *how, SUITE, str(folder)])
        if arch:
            self.run(["/debootstrap/debootstrap", "--second-stage"])
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        if CERTIFICATES.exists():  # pip trusts there whom this machine trusts
            shutil.copy(CERTIFICATES, folder / "etc/certificates-of-the-host.crt")
            self._env["PIP_CERT"] = "/etc/certificates-of-the-host.crt"

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: str = "/",
        read_only: Sequence[str] | None = None,
        shown: bool = False,
    ) -> str:
        """Returns what a command prints there, on mounts of its own.

        Args:
            command: program and arguments.
            env: further variables.
            user: who runs it; None for root.
            cwd: where.
            read_only: folders that alone can be written, each empty memory; None: everything can.
            shown: print it as it comes, and return nothing.

        Raises:
            SystemExit: it failed; its text was shown.
        """
        root = str(self.folder)
        mounts = [f"mount --rbind {root} {root}", f"mount -t proc proc {root}/proc"]
        mounts.append(f"mount --rbind /dev {root}/dev")
        if not self._is_emulated:
            # There an emulated program reads of a processor that is not its own and dies.
            mounts.append(f"mount --rbind /sys {root}/sys")
        mounts += [
            f"mkdir -p {root}{place} && mount -t tmpfs -o mode=1777 tmpfs {root}{place}"
            for place in read_only or ()
        ]
        if read_only is not None:
            mounts.append(f"mount -o remount,bind,ro {root}")
        script = " && ".join([*mounts, 'exec chroot "$@"'])
        spec = [f"--userspec={user}"] if user else []
        variables = [f"{name}={value}" for name, value in {**self._env, **(env or {})}.items()]
        inside = ["/usr/bin/env", "-i", *variables, "/bin/sh", "-c", f'cd {cwd} && exec "$@"', "sh"]
        return _run(
            ["unshare", "--mount", "/bin/sh", "-c", script, "sh", *spec, root, *inside, *command],
            shown=shown,
        )

    def copy_sources(self, place: str) -> None:
        """Copies the files that git knows."""
        target = self.folder / place.lstrip("/")
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=-1, check=True).stdout
        for name in filter(None, names.decode().split("\0")):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Image:
    """A system that a Dockerfile describes, and how its programs are started."""

    system: Chroot
    user: str
    entry_point: list[str]
    env: dict[str, str]


def follow(dockerfile: Path, folder: Path) -> Image:
    """Returns what a Dockerfile describes, its lines followed one by one.

    Raises:
        SystemExit: a line is of a kind that is not known here.
    """
    system, cwd, user, entry = None, "/", "root", []
    env: dict[str, str] = {}
    for word, rest in instructions(dockerfile.read_text(encoding="utf-8")):
        print(f"{word} {rest}", flush=True)
        if word == "FROM" and rest in IMAGES:
            system = Chroot(folder)
        elif system is None:
            raise SystemExit(f"rtau: {dockerfile}: begins with {word} {rest}, not FROM an image")
        elif word == "RUN":
            system.run(["/bin/sh", "-c", rest], env=env, cwd=cwd)
        elif word == "WORKDIR":
            cwd = rest
            (folder / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif (word, rest) == ("COPY", ". ."):
            system.copy_sources(cwd)
        elif word == "ENV":
            name, _, value = rest.partition("=")
            env[name] = value
        elif word == "USER":
            user = rest
        elif word == "ENTRYPOINT":
            entry = json.loads(rest)
        else:
            raise SystemExit(f"rtau: {dockerfile}: {word} {rest} is not followed here")
    assert system is not None, "an empty Dockerfile"
    return Image(system, user, entry, env)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yields the instructions of a Dockerfile with what follows them, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in re.sub(r"\s*\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def _register_emulation() -> None:
    """Has the kernel run aarch64 programs with qemu, from any folder."""
    binfmt = Path("/proc/sys/fs/binfmt_misc")
    if not (binfmt / "register").exists():
        _run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(binfmt)])
    if not (binfmt / "qemu-aarch64").exists():
        known = Path("/usr/lib/binfmt.d/qemu-aarch64.conf").read_text(encoding="ascii").strip()
        head = known.rpartition(":")[0].rpartition(":")[0]
        # F: the interpreter is opened now, so that a chroot need not hold it.
        (binfmt / "register").write_text(f"{head}:{shutil.which('qemu-aarch64-static')}:F")


def _passed_on() -> dict[str, str]:
    """Returns the variables by which pip reaches its index; not those that name files of here."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") and not value.startswith("/")
    }


def _run(command: Sequence[str], *, shown: bool = False) -> str:
    out = None if shown else subprocess.PIPE
    done = subprocess.run(command, stdout=out, text=True, check=False)
    text = done.stdout or ""
    if done.returncode != 0:
        sys.stderr.write(text[-4000:])
        raise SystemExit(f"rtau: {' '.join(command[-3:])} ended with code {done.returncode}")
    return text


def image(folder: Path) -> int:
    """Follows docker/Dockerfile.cpu and scores the sample clip as its user; returns 0."""
    made = follow(ROOT / "docker/Dockerfile.cpu", folder)
    video = [*made.entry_point, "video", "/rtau/examples/one_face.mp4", "--max-frames", "25"]
    words = " ".join([*video, "--csv", "clip.csv", "--out", "clip.mp4"])
    script = f"id -un && ! touch /rtau/written 2>&1 && {words} 2>&1 && wc -l clip.csv"
    places = ["/data", "/tmp"]  # noqa: S108 - of the chroot
    command = ["/bin/sh", "-c", script]
    print(made.system.run(command, env=made.env, user=made.user, cwd="/data", read_only=places))
    return 0


def bare(folder: Path) -> int:
    """Runs the first two commands of a clone in a Debian that holds little, without root.

    What they print goes to standard output. Returns 0.
    """
    system = Chroot(folder, include=BARE)
    system.run(["useradd", "--create-home", USER])
    home = f"/home/{USER}"
    # The objects are copied: of links the owner would change here, too.
    _run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), f"{folder}{home}/rtau"])
    system.run(["chown", "-R", USER, home])
    for target in ("demo", "test"):
        command, cwd = ["make", "--no-print-directory", target], f"{home}/rtau"
        system.run(command, env={"HOME": home}, user=USER, cwd=cwd, shown=True)
    return 0


def aarch64(folder: Path) -> int:
    """Tries the wheel on an emulated aarch64 machine and compares its table with this machine's.

    Returns 0 if they agree within the bounds.
    """
    system = Chroot(folder, arch="arm64", include="python3,python3-venv,ca-certificates")
    system.copy_sources("/rtau")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
    _run([*build, "-w", f"{folder}/wheels", str(ROOT)])
    (wheel,) = (folder / "wheels").glob("rtau-*.whl")
    system.run(["python3", "-m", "venv", "/venv"])
    pip = ["/venv/bin/python", "-m", "pip", "install", "-q", "--no-compile"]
    system.run([*pip, f"/wheels/{wheel.name}[cpu-headless]", *TEST_LIBRARIES])
    print(system.run(["/venv/bin/rtau", "doctor"]))
    clip, flags = "examples/one_face.mp4", ["--max-frames", "60", "--csv"]
    emulated, here = folder / "root/emulated.csv", folder / "root/here.csv"
    system.run(["/venv/bin/rtau", "video", f"/rtau/{clip}", *flags, "/root/emulated.csv"])
    _run([sys.executable, "-m", "rtau", "video", str(ROOT / clip), *flags, str(here)])
    agreed = compared(emulated.read_text(), here.read_text())
    print(system.run(["/venv/bin/python", "-m", "pytest", "-q", *FAST_TESTS], cwd="/rtau"))
    return 0 if agreed else 1


def compared(one: str, other: str) -> bool:
    """Prints how far two tables of one clip agree; returns whether that is within the bounds."""
    first, second = (list(csv.DictReader(io.StringIO(text))) for text in (one, other))
    if [row["face_id"] for row in first] != [row["face_id"] for row in second]:
        print("the tables have other rows or faces")
        return False
    names = [name for name in first[0] if re.fullmatch(r"AU\d+_[cp]", name)]
    pairs = [(name, a[name], b[name]) for a, b in zip(first, second, strict=True) for name in names]
    equal = [a == b for name, a, b in pairs if name.endswith("_c")]
    near = [abs(float(a) - float(b)) <= NEAR for name, a, b in pairs if name.endswith("_p")]
    shares = sum(equal) / len(equal), sum(near) / len(near)
    print(f"equal decisions: {shares[0]:.2%} of {len(equal)}")
    print(f"probabilities within {NEAR}: {shares[1]:.2%} of {len(near)}")
    return shares[0] >= EQUAL_DECISIONS and shares[1] >= NEAR_PROBABILITIES


if __name__ == "__main__":
    made = {"image": image, "bare": bare, "aarch64": aarch64}
    sys.exit(made[sys.argv[1]](Path(sys.argv[2]).resolve()))
