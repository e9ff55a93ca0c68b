"""The loader that Odoo takes from stdnum is put back."""

import importlib.machinery
import importlib.util
from types import ModuleType, SimpleNamespace

import stdnum

from einvoice.stdnum_shim import restore_resource_reader


def patched() -> ModuleType:
    """stdnum as Odoo's import hook leaves it: a bare namespace for a loader."""
    spec = importlib.util.spec_from_file_location("stdnum", stdnum.__file__, submodule_search_locations=stdnum.__path__)
    module = importlib.util.module_from_spec(spec)
    module.__spec__.loader = SimpleNamespace(create_module=None, exec_module=None)
    return module


def test_a_loader_that_reads_files_comes_back():
    module = patched()
    restore_resource_reader(module)
    assert "iban.dat" in module.__spec__.loader.get_resource_reader("stdnum").contents()


def test_a_whole_loader_stays():
    module = patched()
    module.__spec__.loader = importlib.machinery.SourceFileLoader("stdnum", stdnum.__file__)
    before = module.__spec__.loader
    restore_resource_reader(module)
    assert module.__spec__.loader is before


def test_stdnum_itself_can_read():
    assert hasattr(stdnum.__spec__.loader, "get_resource_reader")
