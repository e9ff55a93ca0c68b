"""Packages from Debian, unpacked into the cache: no root needed, nothing changed on the system.

apt-get works on private lists and a private cache, and checks signatures with the keyring that Debian
ships. The mirror is the one this machine already uses; on another distribution it is the address that
python-apt knows for Debian.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from _cache import cache_folder
from _console import Failure, run

KEYRINGS = ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")
SUITES = ("sid", "bookworm")
NETWORK_ADVICE = "Check the network and the apt sources, or set MULTISERVICE_DEBIAN_MIRROR to a Debian mirror."


class Apt:
    """apt-get with its own state; ``sources`` replaces the machine's list of sources when given."""

    def __init__(self, home: Path, sources: str | None = None) -> None:
        self.home = home
        for folder in ("lists/partial", "cache/archives/partial"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        self.options = [
            f"Dir::State={home}",
            f"Dir::State::Lists={home}/lists",
            "Dir::State::status=/var/lib/dpkg/status",
            f"Dir::Cache={home}/cache",
            "Debug::NoLocking=1",
            "APT::Sandbox::User=root",
            "APT::Update::Post-Invoke-Success=",
        ]
        if sources is not None:
            listing = home / "sources.list"
            listing.write_text(sources, encoding="utf-8")
            self.options += [f"Dir::Etc::sourcelist={listing}", "Dir::Etc::sourceparts=/nonexistent"]
        self._call("update")

    def _call(self, *arguments: str, cwd: Path | None = None) -> None:
        options = [part for option in self.options for part in ("-o", option)]
        run(["apt-get", "-q", *options, *arguments], cwd=cwd, advice=NETWORK_ADVICE)

    def unpack(self, packages: Iterable[str], into: Path) -> None:
        """Unpack the named packages ("name" or "name/suite") without what they depend on."""
        downloads = into / ".downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        self._call("download", *packages, cwd=downloads)
        unpack_archives(downloads, into)

    def unpack_missing(self, packages: Iterable[str], into: Path) -> None:
        """Unpack the named packages and all they depend on, except what the system has installed."""
        self._call("install", "--download-only", "--no-install-recommends", "--yes", *packages)
        unpack_archives(self.home / "cache/archives", into)


def unpack_archives(archives: Path, into: Path) -> None:
    for archive in sorted(archives.glob("*.deb")):
        run(["dpkg", "-x", archive, into], advice="Free some disk space, then try again.")
        archive.unlink()


def machine_apt() -> Apt:
    """apt-get on the sources this machine has."""
    return Apt(cache_folder() / "apt-machine")


def debian_apt() -> Apt:
    """apt-get on Debian's own archive, whatever this machine runs."""
    keyring = _keyring(Path("/"))
    mirror = os.environ.get("MULTISERVICE_DEBIAN_MIRROR") or _machine_mirror()
    if keyring is None or mirror is None:
        borrowed = cache_folder() / "debian-address"
        machine_apt().unpack(["debian-archive-keyring", "python-apt-common"], borrowed)
        keyring = keyring or _keyring(borrowed)
        mirror = mirror or _python_apt_mirror(borrowed)
    if keyring is None or mirror is None:
        raise Failure(
            "No address or no signing keys for Debian's packages. Install debian-archive-keyring and set "
            "MULTISERVICE_DEBIAN_MIRROR to a Debian mirror, or set ODOO_SOURCE to an Odoo 19 you have."
        )
    lines = [f"deb [signed-by={keyring}] {mirror} {suite} main\n" for suite in SUITES]
    return Apt(cache_folder() / "apt-debian", "".join(lines))


def _keyring(root: Path) -> Path | None:
    candidates = (root / "usr/share/keyrings" / name for name in KEYRINGS)
    return next((path for path in candidates if path.exists()), None)


def _machine_mirror() -> str | None:
    """The mirror of this machine's main archive, when the machine is a Debian."""
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.MULTILINE))
    if release.get("ID") != "debian":
        return None
    suites = {release.get("VERSION_CODENAME"), "stable", "testing", "unstable", "sid"}
    entries = apt_entries(Path("/etc/apt"))
    return next((uri for uri, suite, components in entries if suite in suites and "main" in components), None)


def apt_entries(folder: Path) -> Iterator[tuple[str, str, Sequence[str]]]:
    """(address, suite, components) of each source, from one-line and from deb822 files."""
    for listing in [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]:
        if listing.exists():
            yield from _one_line_entries(listing.read_text())
    for listing in sorted(folder.glob("sources.list.d/*.sources")):
        yield from _deb822_entries(listing.read_text())


def _one_line_entries(text: str) -> Iterator[tuple[str, str, Sequence[str]]]:
    for options_free in re.sub(r"\[[^\]]*\]", "", text).splitlines():
        kind, *rest = options_free.split() or [""]
        if kind == "deb" and len(rest) >= 3:
            yield rest[0], rest[1], rest[2:]


def _deb822_entries(text: str) -> Iterator[tuple[str, str, Sequence[str]]]:
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields = {
            name.lower(): value.split() for name, value in re.findall(r"(?m)^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza)
        }
        if "deb" in fields.get("types", []) and fields.get("enabled") != ["no"]:
            for uri in fields.get("uris", []):
                for suite in fields.get("suites", []):
                    yield uri, suite, fields.get("components", [])


def _python_apt_mirror(root: Path) -> str | None:
    template = root / "usr/share/python-apt/templates/Debian.info"
    address = re.search(r"(?m)^BaseURI:\s*(\S+)", template.read_text()) if template.exists() else None
    return address.group(1) if address else None
