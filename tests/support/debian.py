"""Debian packages without installing them: downloaded and unpacked in a folder of one's own, as root or not."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

__all__ = ["unpacked"]


def unpacked(folder: Path, *packages: str) -> Path:
    """Return a folder that holds what the packages, and those they need, would put below `/`.

    Whatever is installed and configured on the machine stays as it is, the lists and the cache of apt included.

    Args:
        folder: Where to work; what was unpacked there before is returned at once.
        packages: Their names.

    Raises:
        RuntimeError: It did not work; the text says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / "root"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers may ask at once
        if not root.exists():
            _unpack(_downloaded(folder / "apt", packages), folder / "half", root)
            shutil.rmtree(folder / "apt")
    return root


def _unpack(archives: Sequence[Path], half: Path, root: Path) -> None:
    shutil.rmtree(half, ignore_errors=True)
    for archive in archives:
        _run(["dpkg", "-x", str(archive), str(half)])
    half.rename(root)


def _downloaded(folder: Path, packages: Sequence[str]) -> list[Path]:
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    kept = {
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "",
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
    }
    # Of the machine's own settings only how to reach the archives: others run commands, which may clean up elsewhere.
    reach = [line for line in _run(["apt-config", "dump"]).splitlines() if line.startswith("Acquire::")]
    settings = folder / "apt.conf"
    settings.write_text("\n".join([*reach, *(f'{name} "{value}";' for name, value in kept.items()), ""]))
    env = {**os.environ, "APT_CONFIG": str(settings)}
    _run(["apt-get", "-qq", "update"], env)
    # What is installed is downloaded as well if it was named, not if it is only needed: then it is found in its place.
    _run(["apt-get", "-qq", "-y", "--download-only", "--reinstall", "install", *packages], env)
    return sorted((folder / "archives").glob("*.deb"))


def _run(command: Sequence[str], env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise RuntimeError(f"This is no Debian: there is no {command[0]}") from None
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{' '.join(command)}: {error.stderr.strip()[-1000:]}") from None
    return done.stdout
