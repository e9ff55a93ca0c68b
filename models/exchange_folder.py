"""The folder through which invoices and their statuses are exchanged with a platform: plain files, no records."""

import json
import os
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path

from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

LARGEST_STATUS = 1_000_000  # bytes


class Refused(Exception):
    """A file cannot be taken in. `args[0]`: why, as a lazy translation."""


@dataclass(frozen=True, slots=True)
class ReceivedStatus:
    """What a status file says. `date`: UTC, naive. `amounts`: VAT rate → amount incl. VAT."""

    number: str
    seller_siren: str
    code: str
    date: datetime
    reference: str
    reason_code: str
    reason: str
    amounts: dict[float, float]


def safe_name(text: str) -> str:
    """`text` as part of a file name: letters, figures, "-" and "_" only."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_")


class ExchangeFolder:
    """`out`: what we give; `in`: what we are given, moved to `done`, or to `error` with the reason beside it."""

    def __init__(self, path: str):
        self.root = Path(path)

    def open(self) -> None:
        """Make the sub-folders. Raises OSError when the folder is not there: an unmounted share is not made anew."""
        if not self.root.is_dir():
            raise FileNotFoundError(f"{self.root} is not a folder")
        for name in ("out", "in", "done", "error"):
            (self.root / name).mkdir(exist_ok=True)

    def give(self, name: str, content: bytes) -> None:
        """Write a file of `out` so that it is there whole or not at all."""
        hidden = self.root / "out" / f".{name}.part"
        with hidden.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(self.root / "out" / name)

    def waiting(self) -> list[Path]:
        """The status files to take in, in the order of their names; those being written (hidden, or of another
        extension) are left alone.
        """
        files = (path for path in (self.root / "in").glob("*.json") if not path.name.startswith("."))
        return sorted(path for path in files if path.is_file() and not path.is_symlink())

    def put_away(self, path: Path, reason: str = "") -> None:
        """Move a file of `in` to `done`, or to `error` when there is a reason, never over another one."""
        target = self.root / ("error" if reason else "done") / path.name
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{path.stem}-{number}{path.suffix}")
        if reason:
            target.with_suffix(".txt").write_text(reason + "\n", encoding="utf-8")
        path.replace(target)


def to_json(content: dict) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def read_status(path: Path) -> tuple[bytes, ReceivedStatus]:
    """The bytes of a status file and what they say. Raises Refused, or OSError when it cannot be read."""
    if path.stat().st_size > LARGEST_STATUS:
        raise Refused(_lt("The file is larger than %(limit)s bytes.", limit=LARGEST_STATUS))
    content = path.read_bytes()
    try:
        said = json.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Refused(_lt("This is not JSON in UTF-8.")) from None
    if not isinstance(said, dict):
        raise Refused(_lt("One status is expected: a JSON object."))
    for key in ("number", "code", "date"):
        if not isinstance(said.get(key), str) or not said[key].strip():
            raise Refused(_lt("“%(key)s” is missing, or is not a text.", key=key))
    return content, ReceivedStatus(
        number=said["number"].strip(),
        seller_siren=_text(said, "seller_siren"),
        code=said["code"].strip(),
        date=_moment(said["date"].strip()),
        reference=_text(said, "reference") or f"sha256-{sha256(content).hexdigest()}",
        reason_code=_text(said, "reason_code"),
        reason=_text(said, "reason"),
        amounts=_amounts(said.get("amounts") or []),
    )


def _text(said: dict, key: str) -> str:
    value = said.get(key) or ""
    if not isinstance(value, str):
        raise Refused(_lt("“%(key)s” is not a text.", key=key))
    return value.strip()


def _moment(text: str) -> datetime:
    """A day (taken at noon) or a moment of ISO 8601, as UTC without zone; without offset it is UTC already."""
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), time(12))
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Refused(_lt("“%(date)s” is not a date of ISO 8601.", date=text)) from None
    if moment.tzinfo:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return moment.replace(microsecond=0)


def _amounts(said: list) -> dict[float, float]:
    amounts: dict[float, float] = {}
    try:
        for one in said:
            rate, amount = Decimal(str(one["vat_rate"])), Decimal(str(one["amount"]))
            if not (rate.is_finite() and amount.is_finite() and 0 <= rate < 100):
                raise ValueError(rate)
            amounts[float(rate)] = amounts.get(float(rate), 0.0) + float(amount)
    except (TypeError, KeyError, ValueError, InvalidOperation):
        raise Refused(_lt("“amounts” is not a list of objects with “vat_rate” and “amount”.")) from None
    return amounts
