"""HTML to PDF/UA: here, or in a process of its own for one that is to stay small. Nothing is fetched: only `data:` is read.

python -m locum.documents.printing < page.html > page.pdf
"""

import subprocess
import sys
from collections.abc import Callable
from threading import BoundedSemaphore

from locum.errors import Unreachable

Printer = Callable[[str], bytes]
_AT_ONCE, _SECONDS = 2, 60
_PRINTING = BoundedSemaphore(_AT_ONCE)


def pdf(html: str) -> bytes:
    """Print in this process."""
    from weasyprint import HTML  # noqa: PLC0415  0.8 s
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    fetcher = URLFetcher(allowed_protocols=["data"])
    made = HTML(string=html, url_fetcher=fetcher).write_pdf(pdf_variant="pdf/ua-1")
    return bytes(made)


def pdf_apart(html: str) -> bytes:
    """Print in a process of its own, at most two at a time. Raises Unreachable `printing-failed`."""
    command = [sys.executable, "-m", __name__]
    if not _PRINTING.acquire(timeout=_SECONDS):
        raise Unreachable("printing-failed")
    try:
        printed = subprocess.run(command, input=html.encode(), capture_output=True, check=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unreachable("printing-failed") from error
    finally:
        _PRINTING.release()
    return printed.stdout


if __name__ == "__main__":
    sys.stdout.buffer.write(pdf(sys.stdin.buffer.read().decode()))
