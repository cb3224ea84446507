"""The spools of one printer: which is loaded for a file, and what comes off the shelf."""

from random import Random

from simulators.habits import Habits
from simulators.jobs import PrintFile
from simulators.material import SPOOL_GRAMS, Material, Spool


class SpoolRack:
    """One opened spool a material. Spools are numbered as they come."""

    def __init__(self, printer: str, habits: Habits, rng: Random) -> None:
        self._printer = printer
        self._habits = habits
        self._rng = rng
        self._opened: dict[str, Spool] = {}
        self._count = 0

    def load(self, file: PrintFile) -> Spool:
        """The spool for a file; one that will not last is usually changed beforehand."""
        spool = self._opened.get(file.material)
        if spool is None:
            return self.replace(file.filament, full=self._rng.uniform(0.2, 1.0))
        worn = not spool.lasts_for(file.grams)
        return self.replace(file.filament) if worn and self._rng.random() < self._habits.foresight else spool

    def replace(self, material: Material, *, full: float = 1.0) -> Spool:
        """A spool off the shelf, full to that share."""
        self._count += 1
        habits = self._habits
        bad = self._count in habits.bad_spools or self._rng.random() < habits.bad_spool_share
        spool = Spool(
            name=f"{self._printer}/{material.name}-{self._count:03d}",
            material=material,
            grams_left=SPOOL_GRAMS * full,
            trouble=habits.bad_spool_trouble if bad else 1.0,
        )
        self._opened[material.name] = spool
        return spool
