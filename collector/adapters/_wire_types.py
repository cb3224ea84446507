"""The types of the fields on the wire, each with its limits as constraints."""

from typing import Annotated

from farm.model import limits

FileName = Annotated[str, limits.FILE.meta]
Words = Annotated[str, limits.DETAIL.meta]
Word = Annotated[str, limits.WORD.meta]
Operator = Annotated[str, limits.OPERATOR.meta]
Spool = Annotated[str, limits.SPOOL.meta]
Material = Annotated[str, limits.MATERIAL.meta]
NativeId = Annotated[str, limits.NATIVE_ID.meta]

WallSeconds = Annotated[float, limits.INSTANT_MS.scaled(0.001).meta]
UptimeSeconds = Annotated[float, limits.UPTIME_MS.scaled(0.001).meta]
Seconds = Annotated[float, limits.DURATION_MS.scaled(0.001).meta]

Celsius = Annotated[float, limits.TEMPERATURE.meta]
Ratio = Annotated[float, limits.RATIO.meta]
Percent = Annotated[float, limits.PERCENT.meta]
Factor = Annotated[float, limits.FACTOR.meta]
MillimetresAMinute = Annotated[float, limits.SPEED_MM_S.scaled(60).meta]
FilamentMm = Annotated[float, limits.FILAMENT_MM.meta]
FilamentG = Annotated[float, limits.FILAMENT_G.meta]
ResinMl = Annotated[float, limits.RESIN_ML.meta]
Layer = Annotated[int, limits.LAYERS.meta]
LayerFigure = Annotated[float, limits.LAYERS.meta]
Units = Annotated[float, limits.UNITS.meta]
