"""A print as it is laid down: layers, height, file position and material over its time."""

import msgspec

_FIRST_LAYER_WEIGHT = 2.2


class PrintPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one print is to do: `printing_ms` without heat-up, heights in millimetres."""

    layers: int
    layer_mm: float
    printing_ms: int
    filament_mm: float
    grams: float
    size_bytes: int
    header_bytes: int = 185

    @property
    def _layer_ms(self) -> float:
        return self.printing_ms / (self.layers - 1 + _FIRST_LAYER_WEIGHT)

    def layer(self, printed_ms: int) -> int:
        """The layer under way, from 1; the first one is laid down slowly."""
        first = self._layer_ms * _FIRST_LAYER_WEIGHT
        if printed_ms < first:
            return 1
        return min(self.layers, 2 + int((printed_ms - first) / self._layer_ms))

    def height(self, layer: int) -> float:
        """The nozzle's height in a layer."""
        return round(self.layer_mm * layer, 3)

    def share(self, printed_ms: int) -> float:
        """How much of the print is done, from 0 to 1."""
        return min(1.0, printed_ms / self.printing_ms)

    def position(self, printed_ms: int) -> int:
        """The byte of the file that is being read."""
        body = self.size_bytes - self.header_bytes
        return self.header_bytes + int(body * self.share(printed_ms))
