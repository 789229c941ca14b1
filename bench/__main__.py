"""Run the bench: `python -m bench [name]`. Prints the table, writes bench.json, exits 1 where a goal does not hold."""

import sys
import time
from pathlib import Path

from bench.rows import BENCHES
from bench.table import Row, keep, show


def main(names: list[str]) -> int:
    """Measure what is named, everything by default."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name in names or BENCHES:
        begin = time.perf_counter()
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += BENCHES[name]()
        print(f"{name}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    print(show(rows))
    keep(rows, Path("bench.json"))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
