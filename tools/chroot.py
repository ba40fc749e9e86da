"""A Debian system in a folder, made as a Dockerfile says where there is no Docker.

`make image` follows docker/Dockerfile.cpu line by line and runs the result as its user on a root
that cannot be written. Needs root, debootstrap and Debian's packages.
"""

from __future__ import annotations

import dataclasses
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
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class Chroot:
    """A Debian system in a folder; nothing outside of it is changed."""

    def __init__(self, folder: Path) -> None:
        """Makes the system with debootstrap.

        Raises:
            SystemExit: not root, debootstrap is missing, or the folder is not empty.
        """
        self.folder = folder
        self._env = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", **_passed_on()}
        if shutil.which("debootstrap") is None or os.geteuid() != 0:
            raise SystemExit(
                "rtau: a chroot needs root and debootstrap: apt-get install -y debootstrap, as root"
            )
        if folder.exists() and any(folder.iterdir()):
            raise SystemExit(f"rtau: {folder} must be empty: remove it, or name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        _run(["debootstrap", "--variant=minbase", SUITE, str(folder)])
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
    ) -> str:
        """Returns what a command prints there, on mounts of its own.

        Args:
            command: program and arguments.
            env: further variables.
            user: who runs it; None for root.
            cwd: where.
            read_only: folders that alone can be written, each empty memory; None: everything can.

        Raises:
            SystemExit: it failed; its text was shown.
        """
        root = str(self.folder)
        mounts = [f"mount --rbind {root} {root}", f"mount -t proc proc {root}/proc"]
        mounts.append(f"mount --rbind /dev {root}/dev")
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
            ["unshare", "--mount", "/bin/sh", "-c", script, "sh", *spec, root, *inside, *command]
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


def _passed_on() -> dict[str, str]:
    """Returns the variables by which pip reaches its index from here."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-4000:])
        raise SystemExit(f"rtau: {' '.join(command[-3:])} ended with code {done.returncode}")
    return done.stdout


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


if __name__ == "__main__":
    sys.exit({"image": image}[sys.argv[1]](Path(sys.argv[2]).resolve()))
