"""The official rules of Factur-X on XML files, for tests: `einvoice_saxon.py` runs them in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

PROGRAM = Path(__file__).with_name("einvoice_saxon.py")


def schematron(documents: Mapping[str, bytes]) -> dict[str, list[str]]:
    """What the profile's and the French rules say of each XML, "flag | rule | text | place"; nothing if it is right."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{index}.xml" for index, name in enumerate(documents)}
        for name, file in files.items():
            file.write_bytes(documents[name])
        command = [sys.executable, str(PROGRAM), *map(str, files.values())]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"The rules could not be run:\n{done.stderr}")
        reports = json.loads(done.stdout)
        return {name: reports[str(file)]["base"] + reports[str(file)]["french"] for name, file in files.items()}
