"""Lets python-stdnum read its own data files inside Odoo.

Odoo 19 patches some libraries when they are first imported (`odoo/_monkeypatches`), stdnum among them, and leaves a
bare namespace in place of the module's loader. `importlib.resources` asks that loader for the package's files, and
finds none: from python-stdnum 1.19 on, importing `stdnum.iban`, which factur-x does at once, dies of a
FileNotFoundError ("Can't open orphan path"). An ordinary loader put back before that import mends it.
"""

import importlib.machinery
from types import ModuleType

import stdnum  # type: ignore[import-untyped]


def restore_resource_reader(module: ModuleType = stdnum) -> None:
    """Give the module a loader that can read files, where it has none; nothing changes anywhere else."""
    spec = module.__spec__
    if spec is None or spec.origin is None or hasattr(spec.loader, "get_resource_reader"):
        return
    spec.loader = importlib.machinery.SourceFileLoader(spec.name, spec.origin)
