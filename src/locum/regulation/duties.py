"""What the organisation itself undertakes and no program watches over: the settings told by each such sentence. Data only."""

from collections.abc import Mapping
from types import MappingProxyType

DUTIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "note.3.preset": ("preset",),
        "duty.6.notify": ("notify.objection",),
        "duty.14.incident": ("notify.incident",),
        "duty.16.when": ("account.when", "account.within_days"),
        "duty.18.to": ("figures.to",),
        **{
            f"dpia.six.{name}": (f"weighing.{name}",)
            for name in ("notice", "extent", "reasons", "lighter", "consequences", "safeguards")
        },
    }
)
"""Settings that tell what the organisation itself undertakes, by the sentence that says so."""
