"""Makes the installed environment small and quick to start: drops what cannot run here, and compiles what is imported.

Half of a mocker's start is the import of transformers, which reads every file below its `models` folder.
"""

import compileall
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import sysconfig

MODEL = sys.argv[1]
SITE = pathlib.Path(sysconfig.get_paths()["purelib"])
# Installers, and what is only read by people.
UNUSED = ["pip", "pip-*", "setuptools", "setuptools-*", "pkg_resources", "*.dist-info/sboms", "**/tests"]
# Parts of a model that import torch, which is not here: they can only fail. Its configuration and its tokenizer stay.
NEEDS_TORCH = ["modeling_*", "modular_*", "image_processing_*", "video_processing_*", "convert_*"]
# Large packages of which little is imported: only what the runs below import gets byte code.
MOSTLY_UNUSED = {"kubernetes", "transformers"}
STRIP_FROM = 1 << 20


def remove(path: pathlib.Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def warm(*args: str) -> None:
    """Runs python, which leaves byte code of what it imported; what cannot be imported fails the build."""
    subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)


for pattern in UNUSED:
    for path in list(SITE.glob(pattern)):
        remove(path)
models = SITE / "transformers" / "models"
for pattern in NEEDS_TORCH:
    for path in list(models.glob(f"*/{pattern}")):
        if path.parent.name != "auto":
            remove(path)

# Libraries below NAME.libs were rewritten when the wheel was made, and do not all survive strip; the others do.
for library in SITE.rglob("*.so"):
    if library.stat().st_size >= STRIP_FROM and not library.parent.name.endswith(".libs"):
        subprocess.run(["strip", "--strip-unneeded", str(library)], check=True)

for entry in SITE.iterdir():
    if entry.is_dir() and entry.name not in MOSTLY_UNUSED:
        compileall.compile_dir(entry, quiet=2)
    elif entry.suffix == ".py":
        compileall.compile_file(entry, quiet=2)
warm("-c", "import dynamo.frontend.main, dynamo.mocker.main")
if importlib.util.find_spec("transformers"):
    warm("-c", f"import transformers as t; t.AutoConfig.from_pretrained({MODEL!r}); t.AutoTokenizer.from_pretrained({MODEL!r})")
