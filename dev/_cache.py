"""Where things live: this checkout, and the cache folder outside it that holds all that is set up.

A part of the cache is built in place under the cache's lock and marked complete at the end. What an
interrupted set-up left unmarked is thrown away and built again.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from _console import say

MODULE = "multiservice"
REPOSITORY = Path(__file__).resolve().parent.parent
COMPLETE = ".complete"


def cache_folder() -> Path:
    named = os.environ.get("MULTISERVICE_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).resolve() / MODULE


def checkout_folder() -> Path:
    """This checkout's own corner of the cache: several checkouts share all the rest."""
    return cache_folder() / "checkouts" / digest(REPOSITORY)


def digest(*parts: object) -> str:
    """A short key that changes when any of the parts does."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()[:12]


def manifest() -> dict[str, Any]:
    """The module's manifest: versions and dependencies are read from it, never repeated."""
    values = ast.literal_eval((REPOSITORY / "__manifest__.py").read_text(encoding="utf-8"))
    assert isinstance(values, dict)
    return values


_thread = threading.local()


@contextmanager
def locked(name: str = "set-up") -> Iterator[None]:
    """Let one process at a time build; the others wait, and then find the work done.

    A part that needs another part is built inside it, so a lock this thread holds is not taken again.
    """
    held: set[str] = _thread.__dict__.setdefault("locks", set())
    if name in held:
        yield
        return
    cache_folder().mkdir(parents=True, exist_ok=True)
    with open(cache_folder() / f"{name}.lock", "w") as lock:
        if not _taken_soon(lock):
            say(f"another command holds the {name} lock: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        held.add(name)
        try:
            yield
        finally:
            held.discard(name)


def _taken_soon(lock: IO[str]) -> bool:
    """Most locks are held for a moment only, of which nobody needs to hear."""
    for _attempt in range(30):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.1)
    return False


def built(folder: Path) -> bool:
    return (folder / COMPLETE).exists()


def build_once(folder: Path, what: str, build: Callable[[Path], None]) -> Path:
    """Return the folder, first filled by ``build`` unless a complete one is there."""
    if not built(folder):
        with locked():
            if not built(folder):
                say(f"set-up: {what}")
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                build(folder)
                (folder / COMPLETE).touch()
    return folder
