"""Layerline against the real programs of printers: see docs/real-printers.md."""
