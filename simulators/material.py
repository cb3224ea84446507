"""Material: what is on the spool, how much of it is left, and how well it feeds."""

import math

import msgspec

_DIAMETER_MM = 1.75


class Material(msgspec.Struct, frozen=True):
    """A kind of filament: temperatures in degrees Celsius, density in g/cm³."""

    name: str
    nozzle_c: float
    bed_c: float
    density: float

    def millimetres(self, grams: float) -> float:
        """The length of 1.75 mm filament that weighs so much."""
        return grams / (self.density * math.pi * (_DIAMETER_MM / 2) ** 2) * 1000


MATERIALS = {
    material.name: material
    for material in (
        Material("PLA", 215.0, 60.0, 1.24),
        Material("PETG", 240.0, 80.0, 1.27),
        Material("ABS", 250.0, 100.0, 1.04),
        Material("ASA", 255.0, 100.0, 1.07),
        Material("TPU", 225.0, 45.0, 1.21),
    )
}

SPOOL_GRAMS = 1000.0


class Spool(msgspec.Struct, kw_only=True):
    """One spool. `trouble` multiplies the failures that come from filament and adhesion."""

    name: str
    material: Material
    grams_left: float = SPOOL_GRAMS
    trouble: float = 1.0

    def lasts_for(self, grams: float) -> bool:
        """Whether so much can still be printed from it."""
        return self.grams_left >= grams

    def use(self, grams: float) -> None:
        """Take so much off the spool."""
        self.grams_left = max(0.0, self.grams_left - grams)
