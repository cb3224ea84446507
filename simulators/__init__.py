"""Simulated printers that speak the real protocols and know the truth."""
