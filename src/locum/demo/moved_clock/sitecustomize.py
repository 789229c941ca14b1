"""For Locum's processes in the demo, whose clock is moved by libfaketime: a `time.sleep` that works there.

Since Python 3.11 `time.sleep` waits until a moment of the monotonic clock (clock_nanosleep with TIMER_ABSTIME); libfaketime
0.9.10, Debian 12's, now and then hands on a moment that makes no sense, and the sleep fails with EINVAL. Python finds this
file by PYTHONPATH, which only the demo sets; nothing of the product reads it.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex, /) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
