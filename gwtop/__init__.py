"""gwtop shows what happens behind a web server."""

__version__ = "0.1.0"
