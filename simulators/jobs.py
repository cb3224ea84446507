"""What a farm prints: its files, and which of them is next."""

import zlib
from random import Random

import msgspec

from simulators.layers import PrintPlan
from simulators.material import MATERIALS, Material
from simulators.models import PrinterModel

_NIGHT_CHOICES = 4
_LEAST_BIAS, _MOST_BIAS = 0.75, 1.15
"""Slicers promise too little more often than too much."""

_PARTS = (
    "bracket_left_v2",
    "cable_clip_x4",
    "functional/hook_v3",
    "phone_stand",
    "Gear Housing (left)",
    "spool_adapter",
    "drill_guide",
    "Gehäuse_Deckel",
    "vase_tall",
    "fan_duct_5015",
    "knob",
    "jig_plate_B",
    "prosthetic_cover",
    "orders/4711/lid",
    "hinge_pair",
    "lamp_shade",
)
_MATERIAL_WEIGHTS = {"PLA": 46, "PETG": 28, "ABS": 8, "ASA": 9, "TPU": 9}
_LAYERS_MM = (0.12, 0.16, 0.2, 0.28)
_UNITS = (1, 1, 1, 2, 4, 6, 12)


class PrintFile(msgspec.Struct, frozen=True, kw_only=True):
    """A sliced file. `seconds` is the printing time on a printer of pace 1.

    `trouble` multiplies the failures while it is printed. `refused_at` is the share of the
    print at which the printer must refuse its G-code, None for a sound file.
    """

    name: str
    material: str
    layers: int
    layer_mm: float
    seconds: float
    grams: float
    units: int = 1
    trouble: float = 1.0
    refused_at: float | None = None

    @property
    def expected_seconds(self) -> float:
        """The slicer's estimate of the printing time: for each file it errs in its own way."""
        name = zlib.crc32(self.name.encode()) / 2**32
        return round(self.seconds * (_LEAST_BIAS + (_MOST_BIAS - _LEAST_BIAS) * name), 1)

    @property
    def filament(self) -> Material:
        """The material it is sliced for."""
        return MATERIALS[self.material]

    def plan(self, model: PrinterModel) -> PrintPlan:
        """How a printer of that model lays it down."""
        return PrintPlan(
            layers=self.layers,
            layer_mm=self.layer_mm,
            printing_ms=max(1000, round(self.seconds * model.pace * 1000)),
            filament_mm=self.filament.millimetres(self.grams),
            grams=self.grams,
            size_bytes=max(2048, int(self.seconds * 620)),
        )


def draw_files(rng: Random, count: int, minutes: tuple[float, float]) -> list[PrintFile]:
    """A catalogue of sound files whose printing times lie between the two figures."""
    low, high = minutes
    files = []
    for number in range(count):
        seconds = 60 * rng.triangular(low, high, low + (high - low) * 0.2)
        material = rng.choices(list(_MATERIAL_WEIGHTS), list(_MATERIAL_WEIGHTS.values()))[0]
        layer_mm = rng.choice(_LAYERS_MM)
        part = _PARTS[number % len(_PARTS)]
        edition = f"_r{number // len(_PARTS) + 1}" if number >= len(_PARTS) else ""
        files.append(
            PrintFile(
                name=f"{part}{edition}_{layer_mm}mm_{material}.gcode",
                material=material,
                layers=max(3, int(seconds / rng.uniform(40, 110))),
                layer_mm=layer_mm,
                seconds=round(seconds, 1),
                grams=round(max(0.5, seconds / 3600 * rng.uniform(9, 22)), 1),
                units=rng.choice(_UNITS),
            )
        )
    return files


class JobMix:
    """Which file a printer gets next. Files near the end of the shift are long ones."""

    def __init__(self, files: list[PrintFile]) -> None:
        self.files = files

    def choose(self, rng: Random, *, before_night: bool) -> PrintFile:
        """A file at random; before the night the longest of a few."""
        if not before_night:
            return rng.choice(self.files)
        return max(rng.choices(self.files, k=_NIGHT_CHOICES), key=lambda file: file.seconds)
