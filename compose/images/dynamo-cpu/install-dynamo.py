"""Installs ai-dynamo of one version, with what it requires, into the environment of the running interpreter."""

import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

VERSION = sys.argv[1]
# aisimulate on PyPI is a placeholder that downloads itself from elsewhere, and the certifi that 1.6 asks for may be newer than
# what an index has: frontend and mocker work without the first and with any of the second.
LEFT_OUT = re.compile(r"(aisimulate|certifi)\b")


def pip(*args: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--no-cache-dir", "--disable-pip-version-check", *args], check=True)


def requirements(wheel: pathlib.Path) -> list[str]:
    """The wheel's own requirements, without those of extras."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    found = re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
    return [line for line in found if "extra ==" not in line]


with tempfile.TemporaryDirectory() as folder:
    pip("download", "--no-deps", "-d", folder, f"ai-dynamo=={VERSION}")
    wheel = next(pathlib.Path(folder).glob("*.whl"))
    wanted = [line for line in requirements(wheel) if not LEFT_OUT.match(line)]
    # Byte code is written later, and only for what is imported.
    pip("install", "--no-compile", *wanted)
    pip("install", "--no-compile", "--no-deps", str(wheel))
