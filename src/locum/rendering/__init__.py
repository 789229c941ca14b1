"""One message made safe to be shown: text, a few harmless elements of HTML, and a list of what is attached. Pure."""

from locum.rendering.message import attachment, render
from locum.rendering.shown import Attachment, Rendered

__all__ = ["Attachment", "Rendered", "attachment", "render"]
