"""Run the steps of the Dockerfile without a container engine, then what the image runs: `make image-steps`.

    python tests/containers/steps.py

Each stage is carried out, instruction by instruction, in a root of its own (`roots.py`), and what comes out is run as the
image's user, without capabilities, on a read-only root, without a network, with Compose's environment and mounts: the commands,
the health checks, the stop. What cannot be done here is printed as NOT RUN. Needs root, for mounts; ends with status 1 where a
step fails, 2 where it cannot begin.
"""

import ctypes
import fcntl
import os
import re
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from typing import IO

import yaml
from dockerfile import Ignore, Stage, Step, expand, read
from roots import Root, copy, mount

CONTEXT = Path(__file__).parents[2]
INSIDE = "FIRSTHAND_IMAGE_STEPS"
# From the machine, as a builder's --build-arg would give it: where pip finds its packages.
HANDED_ON = re.compile(r"(?:PIP|UV)_.*|(?:https?|no)_proxy|SSL_CERT_.*", re.IGNORECASE)
PLAIN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
UNPRIVILEGED = ("setpriv", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
PATIENCE = 60.0     # seconds for a daemon to start, on a busy machine
GRACE = 30.0        # … and to stop, as docker-compose.yml has it
LOST = [
    "the base image: in its place Python {python} and /usr of this machine, which has more in it (compilers, git)",
    "limits of memory, processors and processes; Docker's seccomp and AppArmor; user namespaces; the image of PostgreSQL",
]


class StepError(Exception):
    """What failed, with its output."""


@dataclass(slots=True)
class Image:
    """What a stage has come to."""

    root: Root
    env: dict[str, str] = field(default_factory=lambda: dict(PLAIN))
    folder: str = "/"
    user: str = "0:0"
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    stop: str = "SIGTERM"


# --- building -----------------------------------------------------------------------------------------------------

@dataclass(slots=True)
class Builder:
    """Carries out the instructions of all stages."""

    place: Path
    ignore: Ignore
    stages: dict[str, Image] = field(default_factory=dict)

    def build(self, stage: Stage) -> Image:
        """One stage."""
        print(f"\nFROM {stage.base} AS {stage.name}", flush=True)
        image = Image(Root.made(self.place / stage.name))
        for step in stage.steps:
            began = time.monotonic()
            getattr(self, step.word.lower())(image, step)
            print(f"  {time.monotonic() - began:5.1f} s  {step.word} {step.text if len(step.text) < 90 else step.text[:89] + '…'}", flush=True)
        self.stages[stage.name] = image
        return image

    def run(self, image: Image, step: Step) -> None:
        """With /bin/sh, as the stage's user."""
        handed = {name: value for name, value in os.environ.items() if HANDED_ON.fullmatch(name)}
        process = image.root.run([*as_user(image), "/bin/sh", "-c", step.text], handed | image.env, image.folder,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = process.communicate()
        if process.returncode:
            raise StepError(f"Dockerfile:{step.line}: status {process.returncode}\n{said}")

    def copy(self, image: Image, step: Step) -> None:
        """From the context, but for what .dockerignore keeps out, or from another stage."""
        *sources, target = step.words()
        if step.flags.get("from"):
            places = [self.stages[step.flags["from"]].root.within(source) for source in sources]
            found = [(place, [place]) for place in places]
        else:
            found = [self._let_in(step, source) for source in sources]
        inside = image.root.within(Path(image.folder, target))
        into = target.endswith(("/", ".")) or len(sources) > 1
        for base, files in found:
            for each in files:
                # What is in a folder goes into the target; a file is the target, unless that must be a folder.
                below = each.relative_to(base) if each != base else Path(base.name) if into and base.is_file() else Path()
                copy(each, inside / below, step.flags.get("chmod"))

    def _let_in(self, step: Step, source: str) -> tuple[Path, list[Path]]:
        path = CONTEXT / source
        files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
        let_in = [each for each in files if not self.ignore.out(each.relative_to(CONTEXT))]
        if not let_in:
            raise StepError(f"Dockerfile:{step.line}: COPY {source}: not there, or kept out by .dockerignore")
        return path, let_in

    def env(self, image: Image, step: Step) -> None:
        """Names and values; a value may name earlier ones."""
        given = dict(one.split("=", 1) for one in shlex.split(step.text))
        image.env |= {name: expand(value, image.env) for name, value in given.items()}

    def workdir(self, image: Image, step: Step) -> None:
        """Made where it is not there."""
        image.folder = str(Path(image.folder, step.text))
        image.root.within(image.folder).mkdir(parents=True, exist_ok=True)

    def user(self, image: Image, step: Step) -> None:
        """By number, so that no file of users is asked."""
        if not re.fullmatch(r"\d+:\d+", step.text):
            raise StepError(f"Dockerfile:{step.line}: USER {step.text}: expected UID:GID")
        image.user = step.text

    def volume(self, image: Image, step: Step) -> None:
        """What may be written when it runs."""
        image.volumes += step.words()

    def stopsignal(self, image: Image, step: Step) -> None:
        """How it is stopped."""
        image.stop = step.text

    def healthcheck(self, image: Image, step: Step) -> None:
        """CMD and a command."""
        image.health = Step(step.line, "CMD", {}, step.text.removeprefix("CMD").strip()).words()

    def entrypoint(self, image: Image, step: Step) -> None:
        """In JSON."""
        image.entrypoint = step.words()

    def cmd(self, image: Image, step: Step) -> None:
        """In JSON."""
        image.command = step.words()


def as_user(image: Image) -> tuple[str, ...]:
    """The words before a command that make it the image's user's."""
    uid, _, gid = image.user.partition(":")
    return () if uid == "0" else (*UNPRIVILEGED, "--reuid", uid, "--regid", gid)


# --- running ------------------------------------------------------------------------------------------------------

@dataclass(slots=True)
class Trial:
    """The image at work, as Compose runs it."""

    image: Image
    secrets: Path

    def prepared(self) -> None:
        """Read-only, with Compose's mounts, and no network but its own loopback."""
        root, (uid, gid) = self.image.root, self.image.user.split(":")
        for secret in self.secrets.iterdir():   # each by itself, as Compose does: the folder is for its owner alone
            root.within("run/secrets").mkdir(exist_ok=True)
            root.within(f"run/secrets/{secret.name}").touch()
            mount("--bind", "-o", "ro", secret, root.within(f"run/secrets/{secret.name}"))
        root.shut()
        mount("-t", "tmpfs", "-o", "size=64m,mode=1777,noexec,nosuid,nodev", "tmpfs", root.within("tmp"))
        for volume in self.image.volumes:
            mount("-t", "tmpfs", "-o", f"size=64m,mode=0700,uid={uid},gid={gid},noexec,nosuid,nodev", "tmpfs", root.within(volume))
        alone()

    def says(self, *words: str, status: int = 0, uid: str | None = None, **environ: str) -> str:
        """Run a command, as `docker compose exec` does, as the image's user unless said otherwise; its output."""
        process = self._started(words, environ, uid=uid)
        said, _ = process.communicate()
        if process.returncode != status:
            raise StepError(f"{shlex.join(words)}: status {process.returncode}, not {status}\n{said}")
        return said

    @contextmanager
    def running(self, *command: str, **environ: str) -> Iterator[None]:
        """What the image runs, until it is stopped as the image says: it ends by itself, with status 0."""
        with tempfile.TemporaryFile("w+") as log:
            process = self._started([*self.image.entrypoint, *(command or self.image.command)], environ, log=log)
            try:
                yield
                process.send_signal(Signals[self.image.stop])
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
                if process.poll() != 0:
                    raise StepError(f"{self.image.stop}: status {process.returncode} after {GRACE:.0f} s")
            except StepError as error:
                log.seek(0)
                raise StepError(f"{error}\n{log.read()}") from None
            finally:
                process.kill()
                process.wait()

    def becomes_healthy(self, *words: str, **environ: str) -> None:
        """A health check that fails at first, and then passes."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.says(*words, **environ)
                return
            except StepError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.5)

    def _started(self, words: Sequence[str], environ: Mapping[str, str], *, uid: str | None = None,
                 log: IO[str] | int = subprocess.PIPE) -> "subprocess.Popen[str]":
        whose = as_user(self.image) if uid is None else ()
        return self.image.root.run([*whose, *words], self.image.env | {"HOME": "/"} | dict(environ), self.image.folder,
                                   stdout=log, stderr=subprocess.STDOUT)


def alone() -> None:
    """A network in which there is nothing but 127.0.0.1."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as one:
        fcntl.ioctl(one, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def try_out(trial: Trial) -> None:
    """Each line of what is printed is something that was seen to hold."""
    compose = yaml.safe_load((CONTEXT / "docker-compose.yml").read_text())["services"]
    # What is set goes before a secret: PostgreSQL is not here. The crawler on SQLite is given no secrets.
    store = {"FIRSTHAND_STORE": "sqlite:////var/lib/firsthand/var/firsthand.db"}
    none = {"SECRETS": "/nowhere"}
    worker, review = (service["environment"] | store for service in (compose["worker"], compose["review"]))
    ready = compose["worker"]["healthcheck"]["test"][1:]

    told("it says its version", trial.says("firsthand", "--version").startswith("firsthand "))
    status = trial.says("cat", "/proc/self/status")
    uid = trial.image.user.partition(":")[0]
    told(f"it is uid {uid}, without capabilities", f"Uid:\t{uid}\t" in status and re.search(r"CapPrm:\t0+\n(?:.*\n)+CapBnd:\t0+\n", status))
    told("there is no pip in it", "No module named pip" in trial.says("python", "-m", "pip", status=1))
    places = ("/new", "/opt/firsthand/new", "/usr/new", "/usr/local/new", "/etc/firsthand/new")
    told("its root is read-only", trial.says("touch", *places, status=1, uid="0").count("Read-only file system") == len(places))
    told("/tmp and the volume are not", not trial.says("touch", "/tmp/new", *(f"{one}/new" for one in trial.image.volumes)))
    told("the configuration in it is right", "containment: 0.6" in trial.says("firsthand", "check"))
    secret = (trial.secrets / "db_password").read_text()
    shown = trial.says("with-secrets", "firsthand", "check")
    told("a secret is a setting, and is not shown", "@db/firsthand" in shown and secret not in shown)
    with trial.running(**none):
        trial.becomes_healthy(*trial.image.health, **none)
        told("ENTRYPOINT and CMD run, HEALTHCHECK passes", True)
    told("… and STOPSIGNAL ends it", True)
    with trial.running(**worker):
        trial.becomes_healthy(*ready)
        told("a worker's health check passes", True)
        told("… and no other worker may have its folder", "another daemon" in trial.says(*trial.image.entrypoint, "run", status=1, **worker))
    told("… and fails where nothing runs", "ConnectionRefused" in trial.says(*ready, status=1))
    with trial.running(*compose["review"]["command"], **review):
        trial.becomes_healthy(*ready)
        told("the review page's health check passes", True)


def told(what: str, held: object) -> None:
    """Print what holds. Raises StepError where it does not."""
    if not held:
        raise StepError(f"not so: {what}")
    print(f"  {what}", flush=True)


# --- all of it ----------------------------------------------------------------------------------------------------

def main() -> int:
    """In a mount and process namespace of its own, so that whatever ends it leaves no mount and no process behind."""
    if os.geteuid() or not sys.platform.startswith("linux"):
        print("image-steps: mounts of its own need root on Linux; nothing was run", file=sys.stderr)
        return 2
    if INSIDE not in os.environ:
        command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "private", sys.executable, *sys.argv]
        return subprocess.run(command, env=os.environ | {INSIDE: "1"}, check=False).returncode
    for one in LOST:
        print(f"NOT RUN: {one.format(python='.'.join(map(str, sys.version_info[:3])))}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="firsthand-image-") as place:
        mount("-t", "tmpfs", "-o", "size=4g,mode=0755", "tmpfs", place)
        try:
            everything(Path(place))
        except (StepError, ValueError) as error:
            print(f"FAILED {error}", file=sys.stderr)
            return 1
        finally:
            os.chdir("/")
            subprocess.run(["umount", "--lazy", place], check=False)
    print(f"\nevery step of the Dockerfile ran, in {time.monotonic() - began:.0f} s")
    return 0


def everything(place: Path) -> None:
    """Build, then try."""
    builder = Builder(place, Ignore.of((CONTEXT / ".dockerignore").read_text()))
    images = [builder.build(stage) for stage in read((CONTEXT / "Dockerfile").read_text())]
    print("\nthe image, as Compose runs it")
    trial = Trial(images[-1], made_secrets(place))
    trial.prepared()
    try_out(trial)


def made_secrets(place: Path) -> Path:
    """By the script that a person calls."""
    copy(CONTEXT / "config/make-secrets", place / "clone/config/make-secrets", "0755")
    subprocess.run([place / "clone/config/make-secrets", "ada"], check=True, capture_output=True)
    return place / "clone/secrets"


if __name__ == "__main__":
    sys.exit(main())
