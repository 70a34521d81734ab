"""Folders that are the root of something: overlays of this machine's /usr and Python, in a mount namespace of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Of /etc, what programs need to run, to know users and to reach a package index as this machine does.
_ETC = ("passwd", "group", "shadow", "gshadow", "login.defs", "default/useradd", "nsswitch.conf", "hosts", "resolv.conf", "ld.so.cache",
        "ld.so.conf", "ld.so.conf.d", "ssl", "alternatives", "localtime", "pip.conf", "xdg/pip")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")


def mount(*words: str | Path) -> None:
    """mount(8)."""
    subprocess.run(["mount", *map(str, words)], check=True)


@dataclass(frozen=True, slots=True)
class Root:
    """A root of its own. What is written lies beside it, under `place`."""

    path: Path
    place: Path

    @classmethod
    def made(cls, place: Path) -> "Root":
        """As an image with Python in /usr/local has it, but that /usr is this machine's."""
        root = cls(place / "root", place)
        root.path.mkdir(parents=True)
        for name in ("dev", "etc", "home", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr", "var/lib", "var/tmp"):
            root.within(name).mkdir(parents=True)
        for name in ("tmp", "var/tmp"):
            root.within(name).chmod(0o1777)
        root.within("var/run").symlink_to("/run")
        root._settings()
        root._overlay("usr", Path("/usr"))
        root._python()
        for name in _LINKS:
            if Path("/", name).is_symlink():
                root.within(name).symlink_to(Path("/", name).readlink())
            elif Path("/", name).is_dir():
                root.within(name).mkdir()
                mount("--bind", f"/{name}", root.within(name))
        root._devices()
        # Its libpython before another one of this machine, as the image has it.
        root.run(["/sbin/ldconfig"], {}, "/").wait()
        return root

    def within(self, path: str | Path) -> Path:
        """A path of the root, absolute or not, as this process names it."""
        return self.path / str(path).lstrip("/")

    def run(self, words: Sequence[str], environ: Mapping[str, str], folder: str, **options: object) -> "subprocess.Popen[str]":
        """Start a command in there."""
        def enter() -> None:
            os.chroot(self.path)
            os.chdir(folder)

        return subprocess.Popen(words, env=dict(environ), preexec_fn=enter, text=True, stdin=subprocess.DEVNULL, **options)

    def shut(self) -> None:
        """Nothing can be written any more, but on what is mounted afterwards."""
        mount("--rbind", self.path, self.path)
        for path in (self.path, self.within("usr/local"), self.within("usr")):
            mount("-o", "remount,bind,ro", path)

    def _overlay(self, name: str, lower: Path) -> None:
        layers = [self.place / kind / name.replace("/", "-") for kind in ("upper", "work")]
        for layer in layers:
            layer.mkdir(parents=True)
        mount("-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={layers[0]},workdir={layers[1]}", self.within(name))

    def _python(self) -> None:
        """The interpreter that runs this, as /usr/local/bin/python."""
        prefix = Path(sys.base_prefix)
        own = prefix not in (Path("/usr"), Path("/usr/local"))
        self._overlay("usr/local", prefix if own else Path("/usr/local"))
        python = self.within("usr/local/bin/python")
        if not python.exists() and not python.is_symlink():
            python.symlink_to(f"python3.{sys.version_info.minor}" if own else f"{prefix}/bin/python3")

    def _settings(self) -> None:
        home = Path.home()
        for source, target in [(Path("/etc", name), f"etc/{name}") for name in _ETC] + [
                (home / ".config/pip", "root/.config/pip"), (home / ".pip", "root/.pip")]:
            if source.exists():
                self.within(target).parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-aL" if source.is_file() else "-a", source, self.within(target)], check=True)
        self.within("root").chmod(0o700)

    def _devices(self) -> None:
        mount("-t", "proc", "proc", self.within("proc"))
        for name in _DEVICES:
            self.within(f"dev/{name}").touch()
            mount("--bind", f"/dev/{name}", self.within(f"dev/{name}"))
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            self.within(f"dev/{name}").symlink_to(f"/proc/self/fd/{number}")
        self.within("dev/fd").symlink_to("/proc/self/fd")
        self.within("dev/shm").mkdir()
        mount("-t", "tmpfs", "-o", "size=64m,mode=1777", "tmpfs", self.within("dev/shm"))


def copy(source: Path, target: Path, mode: str | None) -> None:
    """A file, or what is in a folder, as COPY does it: owned by root, in folders that are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
        os.chown(target, 0, 0)
    if mode is not None:
        target.chmod(int(mode, 8))
