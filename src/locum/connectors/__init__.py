"""The mail systems, one file per kind. Each knows words, pure rules and errors, never another edge, the desk or the store.

A file is a kind if it says so: its class has `kind = "<name of the file>"`. The seam is locum.seam.Connector.
"""

from importlib.resources import files
from pathlib import Path


def kinds() -> tuple[str, ...]:
    """The kinds there are, by their files; none of them is imported for this."""
    sources = [item for item in files(__name__).iterdir() if item.name.endswith(".py")]
    named = {Path(item.name).stem: item.read_text("utf-8") for item in sources}
    return tuple(sorted(stem for stem, source in named.items() if f'kind = "{stem}"' in source))
