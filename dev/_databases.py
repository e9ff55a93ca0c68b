"""Databases: a template with French accounting, made once, and copies of it that take a second."""

from __future__ import annotations

import inspect
import os
import re
import shutil
from pathlib import Path

from _cache import cache_folder, digest, locked, manifest
from _console import Failure, say
from _odoo import data_folder, odoo_version, run_odoo
from _odoo_log import problems
from _postgres import sql

COUNTRY = "FR"
LANGUAGES = ("en_US", "fr_FR")


def exists(name: str) -> bool:
    return sql(f"SELECT 1 FROM pg_database WHERE datname = '{_checked(name)}'") == "1"


def drop(name: str) -> None:
    own = f"datname = '{_checked(name)}' AND usename = current_user"
    # Not WITH (FORCE): that fails on a vacuum at work, which belongs to the superuser; a plain DROP makes it stop.
    sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {own} AND pid != pg_backend_pid()")
    sql(f'DROP DATABASE IF EXISTS "{name}"')
    shutil.rmtree(_file_store(name), ignore_errors=True)


def create(name: str) -> None:
    """A new database from the template: the module's dependencies, country France, no demo data."""
    copy(template(), name)


def copy(source: str, name: str) -> None:
    """A copy of a database with its file store."""
    if exists(name):
        raise Failure(f"The database {name} exists. Remove it first: dev/setup --drop-db {name}")
    with locked("template"):  # PostgreSQL refuses to copy a template that another copy is reading
        sql(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
    shutil.copytree(_file_store(source), _file_store(name), copy_function=os.link, dirs_exist_ok=True)


def names(prefix: str) -> list[str]:
    """Databases whose names start so."""
    return sql(f"SELECT datname FROM pg_database WHERE starts_with(datname, '{_checked(prefix)}')").split()


def rename(old: str, new: str) -> None:
    """Give a finished database its name; the file store moves first, so that the name promises both."""
    shutil.rmtree(_file_store(new), ignore_errors=True)
    _file_store(old).rename(_file_store(new))
    sql(f'ALTER DATABASE "{_checked(old)}" RENAME TO "{_checked(new)}"')


def template() -> str:
    """Name of the template database, built now when what it is made from has changed."""
    name = "multiservice_template_" + digest(
        cache_folder(), odoo_version(), manifest()["depends"], inspect.getsource(_build_template)
    )
    if not exists(name):
        with locked():
            if not exists(name):
                say("set-up: template database with French accounting (about a minute)")
                _build_template(name)
    return name


def _build_template(name: str) -> None:
    """Build under another name first: what bears the template's name is always complete."""
    draft = f"{name}_draft"
    drop(draft)
    advice = "The lines above are Odoo's log."
    log = run_odoo("db", "init", draft, "--country", COUNTRY, "--language", LANGUAGES[0], advice=advice)
    modules = ",".join(manifest()["depends"])
    languages = f"--load-language={','.join(LANGUAGES)}"
    log += run_odoo("-d", draft, "-i", modules, languages, "--stop-after-init", "--no-http", advice=advice)
    if found := problems(log):
        raise Failure("The template database has problems:\n" + "\n".join(found))
    rename(draft, name)


def _file_store(name: str) -> Path:
    return data_folder() / "filestore" / name


def _checked(name: str) -> str:
    """Names go into SQL and paths as they are, so only plain ones are accepted."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise Failure(f"{name!r} is no name for a database: use letters, digits, - and _.")
    return name
