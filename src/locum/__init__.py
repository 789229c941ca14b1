"""Locum does the few things that may have to be done in an absent colleague's name.

This package opens nothing and imports nothing: `locum.app` wires, `locum.cli` is the command.
"""

__version__ = "0.1.0"
