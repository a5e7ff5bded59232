"""The command line: the only package that writes to the terminal."""

from __future__ import annotations

from gdsim.cli.app import app, main

__all__ = ["app", "main"]
