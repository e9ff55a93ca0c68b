"""The checks that need no database: style, older habits, types, who imports whom, pure tests, wheel."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from _cache import MODULE, REPOSITORY, checkout_folder, manifest
from _checks import Check, Outcome
from _console import Failure, run
from _files import exported_module, is_shipped, repository_files
from _odoo import addons_folder
from _python import runtime_python, tools_python

PURE_ROOMS = ("engine", "einvoice")
EVERY_LINE = 1000  # of what a linter found

# (what older Odoo wrote, in which files, what Odoo 19 wants); Odoo ignores most of these without an error
OLD_HABITS = (
    (r"_sql_constraints\b", ".py", "models.Constraint"),
    (r"\bstates\s*=\s*\{", ".py", "readonly= in the view"),
    (r"(?<!_)\bread_group\(", ".py", "_read_group or formatted_read_group"),
    (r"\bself\._(?:cr|uid|context)\b", ".py", "self.env.cr, uid, context"),
    (r"\bodoo\.osv\b|from odoo import .*\bosv\b", ".py", "odoo.fields.Domain"),
    (r"\bdef (?:name_get|_name_search)\b", ".py", "_compute_display_name, _search_display_name"),
    (r"type=['\"]json['\"]", ".py", "type='jsonrpc'"),
    (r"\bgroup_operator\s*=", ".py", "aggregator="),
    (r"\btrack_visibility\s*=", ".py", "tracking="),
    (r"\bauto_join\s*=", ".py", "bypass_search_access="),
    (r"<tree\b", ".xml", "<list>"),
    (r"\b(?:attrs|states)\s*=\s*['\"]", ".xml", "invisible=, readonly=, required="),
    (r"kanban-box", ".xml", "<t t-name='card'>"),
    (r"name=['\"](?:numbercall|doall)['\"]", ".xml", "nothing: the fields are gone"),
    (r"name=['\"]groups_id['\"]", ".xml", "group_ids"),
)


def lint() -> Outcome:
    """prek's hooks, on every file that is or would be in git."""
    tools = tools_python().parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    files = repository_files()
    run(
        [tools / "prek", "run", "--files", *files],
        env=environment,
        cwd=REPOSITORY,
        shown=EVERY_LINE,
        advice="`ruff check --fix` and `ruff format` of the same environment mend most of it.",
    )
    return Outcome(remark=f"{len(files)} files")


def old_habits() -> Outcome:
    found = list(_old_habits_found())
    if found:
        raise Failure("\n".join(found))
    return Outcome(remark=f"{len(OLD_HABITS)} patterns")


def _old_habits_found() -> Iterator[str]:
    for name in repository_files():
        habits = [habit for habit in OLD_HABITS if name.endswith(habit[1]) and not name.startswith("dev/")]
        for number, line in enumerate(_lines(name) if habits else (), start=1):
            for pattern, _suffix, instead in habits:
                if re.search(pattern, line):
                    yield f"{name}:{number}: {line.strip()}  (Odoo 19: {instead})"


def _lines(name: str) -> Sequence[str]:
    return (REPOSITORY / name).read_text(encoding="utf-8").splitlines()


def types() -> Outcome:
    rooms = [room for room in PURE_ROOMS if (REPOSITORY / room).is_dir()]
    output = run(
        [
            tools_python(),
            "-m",
            "mypy",
            "--no-error-summary",
            "--python-executable",
            runtime_python(),
            *rooms,
            "dev",
        ],
        cwd=REPOSITORY,
        shown=EVERY_LINE,
        advice="Every function of these folders needs true types.",
    )
    return Outcome(remark=", ".join([*rooms, "dev"]), details=output.strip())


def imports() -> Outcome:
    """import-linter, run where the checkout bears the module's name."""
    output = run(
        [tools_python().parent / "lint-imports", "--config", REPOSITORY / "pyproject.toml", "--no-cache"],
        env={**os.environ, "PYTHONPATH": str(addons_folder())},
        cwd=addons_folder(),
        shown=EVERY_LINE,
        advice="doc/architecture.md says who may import whom, and why.",
    )
    kept = re.search(r"Contracts: (.*)\.", output)
    return Outcome(remark=kept.group(1) if kept else "")


def unit_tests() -> Outcome:
    """The pure tests, measured."""
    measured = ("-m", "coverage", "run", f"--data-file={checkout_folder() / 'coverage.unit'}", "--source=.")
    return run_pytest(tool=measured)


def run_pytest(*arguments: str, tool: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Outcome:
    """What pytest counted; its exit codes 0 and 1 are for tests that ran."""
    command: list[str | Path] = [runtime_python(), *tool, "-m", "pytest", "-q", *arguments]
    try:
        output = run(command, cwd=REPOSITORY, env=environment, shown=EVERY_LINE, advice="")
        details = ""
    except Failure as failure:
        output = details = str(failure)
    passed, failed = (_counted(word, output) for word in ("passed", "failed"))
    failed += _counted("errors?", output)
    if not passed + failed:
        raise Failure(f"No test ran.\n{output}")
    return Outcome(passed=passed, failed=failed, remark=f"{passed + failed} tests", details=details)


def _counted(word: str, output: str) -> int:
    summary = output.rstrip().splitlines()[-5:]
    return sum(int(number) for line in summary for number in re.findall(rf"\b(\d+) {word}\b", line))


def odoo_lint() -> Outcome:
    output = run(
        [tools_python(), "-m", "pylint", "--rcfile=pyproject.toml", "--score=no", "."],
        cwd=REPOSITORY,
        shown=EVERY_LINE,
        advice="pylint-odoo's README explains each message.",
    )
    return Outcome(details=output.strip())


def oca_checks() -> Outcome:
    """OCA's checks of manifest, XML, CSV and PO files; they find no module in a repository's very root."""
    tools = tools_python().parent
    with exported_module() as module:
        run(["git", "init", "--quiet", module.parent], advice="Install git.")
        disabled = "--disable=prefer-readme-rst,missing-readme"  # the README is one for people: Markdown
        run(
            [tools / "oca-checks-odoo-module", disabled, module],
            shown=EVERY_LINE,
            advice="Mend what is listed above.",
        )
        translations = sorted(module.glob("i18n/*.po*"))
        if translations:
            run(
                [tools / "oca-checks-po", "--disable=po-pretty-format", *translations],
                advice="Mend the translations.",
            )
    return Outcome()


def wheel() -> Outcome:
    """Build the wheel from what git would hold, and compare its content with what the module needs."""
    with exported_module() as module:
        target = module.parent / "wheel"
        run(
            [tools_python(), "-m", "build", "--wheel", "--no-isolation", "--outdir", target, module],
            advice="[tool.hatch] in pyproject.toml says how the wheel is made.",
        )
        built = next(target.glob("*.whl"))
        shipped = {name.removeprefix(f"odoo/addons/{MODULE}/") for name in zipfile.ZipFile(built).namelist()}
    shipped = {name for name in shipped if ".dist-info/" not in name}
    expected = {name for name in repository_files() if is_shipped(name)}
    if shipped != expected or manifest()["version"] not in built.name:
        raise Failure(f"{built.name}: missing {expected - shipped}, unexpected {shipped - expected}")
    return Outcome(remark=f"{built.name}, {len(shipped)} files")


FAST = (
    Check("prek", lint),
    Check("old-habits", old_habits),
    Check("types", types),
    Check("imports", imports),
    Check("unit-tests", unit_tests),
)
SLOW = (
    Check("pylint-odoo", odoo_lint),
    Check("oca-checks", oca_checks),
    Check("wheel", wheel),
)
