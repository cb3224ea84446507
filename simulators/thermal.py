"""Heaters: first-order warming and cooling in closed form, asked at any instant."""

import math

AMBIENT_C = 22.0
_HOLD_BAND_C = 0.35


class Heater:
    """A nozzle or a bed. Temperatures in degrees Celsius, times in milliseconds.

    At full power the temperature tends towards `limit_c` with the time constant
    `warming_s`; without power it falls towards the room with `cooling_s`.
    """

    __slots__ = ("_from_c", "_from_ms", "_reached_ms", "cooling_s", "limit_c", "target_c", "warming_s")

    def __init__(self, *, limit_c: float, warming_s: float, cooling_s: float) -> None:
        self.limit_c = limit_c
        self.warming_s = warming_s
        self.cooling_s = cooling_s
        self.target_c = 0.0
        self._from_c = AMBIENT_C
        self._from_ms = 0
        self._reached_ms = 0

    def aim(self, target_c: float, now_ms: int) -> None:
        """Set the target; 0 switches the heater off."""
        self._from_c = self._exact(now_ms)
        self._from_ms = now_ms
        self.target_c = target_c
        self._reached_ms = now_ms + self._way_ms(target_c)

    def _way_ms(self, target_c: float) -> int:
        """How long the way from the present temperature to the target takes."""
        begin = self._from_c
        if target_c > begin:
            share = (self.limit_c - begin) / (self.limit_c - target_c)
            return round(1000 * self.warming_s * math.log(share))
        floor = AMBIENT_C
        if target_c <= floor or begin <= target_c:
            return 0
        return round(1000 * self.cooling_s * math.log((begin - floor) / (target_c - floor)))

    def reached_ms(self) -> int:
        """The instant at which the target is (or was) reached."""
        return self._reached_ms

    def warming(self, now_ms: int) -> bool:
        """Whether the heater is still on its way up."""
        return self.target_c > 0 and now_ms < self._reached_ms and self._from_c < self.target_c

    def power(self, now_ms: int) -> float:
        """The share of full power applied."""
        if self.target_c == 0:
            return 0.0
        if self.warming(now_ms):
            return 1.0
        return 0.0 if now_ms < self._reached_ms else self._holding_power(now_ms)

    def _holding_power(self, now_ms: int) -> float:
        share = (self.target_c - AMBIENT_C) / (self.limit_c - AMBIENT_C)
        return min(1.0, max(0.0, share * (1 - _ripple(now_ms) * 0.3)))

    def _exact(self, now_ms: int) -> float:
        passed_s = (now_ms - self._from_ms) / 1000
        if self.target_c > 0 and now_ms >= self._reached_ms:
            return self.target_c
        if self.target_c > self._from_c:
            return self.limit_c - (self.limit_c - self._from_c) * math.exp(-passed_s / self.warming_s)
        return AMBIENT_C + (self._from_c - AMBIENT_C) * math.exp(-passed_s / self.cooling_s)

    def temperature(self, now_ms: int) -> float:
        """The measured temperature: to a hundredth, with the sensor's ripple."""
        return round(self._exact(now_ms) + _ripple(now_ms) * _HOLD_BAND_C, 2)


def _ripple(now_ms: int) -> float:
    """Noise between -1 and 1 that depends on the instant alone, so that a run repeats."""
    return ((now_ms // 250 * 2654435761 >> 8) % 2001 - 1000) / 1000
