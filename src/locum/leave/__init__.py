"""Who is away. One file per source; each fills in seam.LeaveSource and drops the kind of leave on import.

Nothing slow is imported here: a calendar's parser is loaded only where a calendar is configured.
"""

from collections.abc import Sequence
from pathlib import Path

from locum.leave.csv import LeaveCsv
from locum.seam import LeaveSource, People


def sources(csv: Path | None, ical: Sequence[str], people: People, time_zone: str) -> list[LeaveSource]:
    """The sources that the settings name: a CSV file, and calendars (files, addresses, or .url files that hold one).

    `time_zone` is the organisation's, for whoever has none on file. Nothing is read before it is asked for.
    """
    found: list[LeaveSource] = [] if csv is None else [LeaveCsv(csv, people, time_zone)]
    if ical:
        from locum.leave.ical import LeaveIcal  # noqa: PLC0415  slow to import

        found += [LeaveIcal(place, people, time_zone) for place in ical]
    return found
