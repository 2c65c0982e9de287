"""Installs ai-dynamo of one version into the running interpreter's environment, without what a CPU cannot use."""

import re
import subprocess
import sys
import sysconfig
import pathlib
import shutil
import tempfile
import zipfile

version = sys.argv[1]


def pip(*args: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--no-cache-dir", "--disable-pip-version-check", *args], check=True)


def requirements(wheel: pathlib.Path) -> list[str]:
    """The wheel's own requirements that apply without extras."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    found = re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
    return [line for line in found if "extra ==" not in line]


with tempfile.TemporaryDirectory() as folder:
    pip("download", "--no-deps", "-d", folder, f"ai-dynamo=={version}")
    wheel = next(pathlib.Path(folder).glob("*.whl"))
    # aisimulate on PyPI downloads itself from elsewhere, and the certifi that 1.6 asks for is newer than any there is:
    # frontend and mocker work without the first and with any of the second.
    wanted = [line for line in requirements(wheel) if not re.match(r"(aisimulate|certifi)\b", line)]
    pip("install", "--no-compile", *wanted)
    pip("install", "--no-compile", "--no-deps", str(wheel))

# What the running processes never use: pip itself, tests, headers.
site = pathlib.Path(sysconfig.get_paths()["purelib"])
for pattern in ("pip", "pip-*", "setuptools", "setuptools-*"):
    for path in site.glob(pattern):
        shutil.rmtree(path, ignore_errors=True)
for path in [p for p in site.rglob("tests") if p.is_dir()]:
    shutil.rmtree(path, ignore_errors=True)
# Byte code makes every start faster than it makes the image larger.
subprocess.run([sys.executable, "-m", "compileall", "-q", "-j", "0", str(site)], check=False)
