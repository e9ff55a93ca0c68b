"""How the commands under dev/ talk to the person who typed them, and how they stop."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class Failure(Exception):
    """Something the person can act on: the message says what to do, no traceback is shown."""


def say(message: str) -> None:
    """One progress line, visible at once even when the output is a pipe."""
    print(message, flush=True)


def run(
    command: Sequence[str | Path],
    *,
    advice: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Mapping[str, object] | None = None,
    stdin: str | None = None,
    shown: int = 25,
) -> str:
    """Run a command quietly and return its output; when it fails, show its last lines and the advice.

    ``shown`` is the number of these lines.
    ``account`` holds the ``user``/``group`` arguments of `subprocess` for a command that refuses root.
    """
    arguments = [str(part) for part in command]
    try:
        done = subprocess.run(  # type: ignore[call-overload]
            arguments,
            env=env,
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **(account or {}),
        )
    except FileNotFoundError as error:
        raise Failure(f"The program {arguments[0]} was not found. {advice}") from error
    if done.returncode:
        last_lines = "\n".join(done.stdout.rstrip().splitlines()[-shown:])
        raise Failure(f"{' '.join(arguments[:6])} … failed:\n{last_lines}\n{advice}")
    return str(done.stdout)


def exec_program(command: Sequence[str | Path], env: Mapping[str, str]) -> None:
    """Become the given program, so that signals and the exit code are its own."""
    arguments = [str(part) for part in command]
    sys.stdout.flush()
    os.execvpe(arguments[0], arguments, dict(env))


def main(command: Callable[[list[str]], int | None]) -> None:
    """Entry point of every script under dev/."""
    try:
        sys.exit(command(sys.argv[1:]) or 0)
    except Failure as failure:
        print(f"\nerror: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
