"""The module's files: those that git holds or would add, and those of them that are shipped."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _cache import MODULE, REPOSITORY
from _console import run

SOURCES = (".csv", ".js", ".po", ".py", ".scss", ".xml")
NOT_SHIPPED = ("bench/", "dev/", "doc/", "static/tests/", "tests/", ".")
ROOT_FILES_SHIPPED = ("__init__.py", "__manifest__.py", "hooks.py", "README.md", "CHANGELOG.md", "LICENSE")


def repository_files() -> list[str]:
    """Files that git holds or would add, in the work tree."""
    listing = run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        advice="The list of files comes from git: run this in a clone that belongs to you.",
    )
    return sorted({name for name in listing.split("\0") if (REPOSITORY / name).is_file()})


def is_shipped(name: str) -> bool:
    """Whether a file is part of the module once installed, as opposed to its tests and tools."""
    return name in ROOT_FILES_SHIPPED or ("/" in name and not name.startswith(NOT_SHIPPED))


def source_files() -> list[Path]:
    """The files that decide what a database of the module holds."""
    return [REPOSITORY / name for name in repository_files() if is_shipped(name) and name.endswith(SOURCES)]


@contextmanager
def exported_module() -> Iterator[Path]:
    """A copy of the module's files under the module's name, without what git ignores."""
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / MODULE
        for name in repository_files():
            (module / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, module / name)
        yield module
