"""Packages of npm that tests need: fetched once per machine and user, into the folder for temporary files."""

import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path


@cache
def installed(package: str) -> Path | str:
    """The folder with the package (`name@version`), or why there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "Node.js is not installed"
    name = re.sub(r"\W+", "-", package.rpartition("@")[0])
    folder = Path(tempfile.gettempdir(), f"locum-{name}-{os.getuid()}")
    if not (folder / "complete").exists():
        making = Path(tempfile.mkdtemp(prefix=f"locum-{name}-"))
        options = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(making)]
        try:
            done = subprocess.run(
                [npm, "install", *options, package], capture_output=True, text=True, timeout=180, check=False
            )
        except subprocess.TimeoutExpired:
            done = None
        if done is None or done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            return f"the package {package} could not be fetched"
        (making / "complete").touch()
        try:
            making.rename(folder)
        except OSError:
            shutil.rmtree(making)  # another test process was first
    return folder
