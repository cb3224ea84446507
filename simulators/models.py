"""Models of printer: how fast they heat, level and print, and what they watch over."""

import msgspec

from simulators.thermal import Heater


class PrinterModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model: durations in seconds, lengths in millimetres, `pace` a factor of the printing time.

    `frailty` multiplies every failure rate.
    """

    name: str
    pace: float
    homing_s: float
    levelling_s: float
    boot_s: float
    bed_mm: tuple[float, float, float]
    nozzle_limit_c: float
    nozzle_warming_s: float
    bed_limit_c: float
    bed_warming_s: float
    filament_sensor: bool
    frailty: float
    nozzle_cooling_s: float = 110.0
    bed_cooling_s: float = 420.0

    def nozzle(self) -> Heater:
        """A cold nozzle of this model."""
        return Heater(
            limit_c=self.nozzle_limit_c, warming_s=self.nozzle_warming_s, cooling_s=self.nozzle_cooling_s
        )

    def bed(self) -> Heater:
        """A cold bed of this model."""
        return Heater(limit_c=self.bed_limit_c, warming_s=self.bed_warming_s, cooling_s=self.bed_cooling_s)

    def hurried(self, tempo: float) -> "PrinterModel":
        """The same model with everything but its printing so many times faster, for demonstrations."""
        return msgspec.structs.replace(
            self,
            **{name: getattr(self, name) / tempo for name in self.__struct_fields__ if name.endswith("_s")},
        )


MODELS = {
    model.name: model
    for model in (
        PrinterModel(
            name="Bench 220",
            pace=1.0,
            homing_s=14,
            levelling_s=45,
            boot_s=35,
            bed_mm=(220.0, 220.0, 240.0),
            nozzle_limit_c=420.0,
            nozzle_warming_s=120.0,
            bed_limit_c=135.0,
            bed_warming_s=300.0,
            filament_sensor=False,
            frailty=1.3,
        ),
        PrinterModel(
            name="Workhorse 250",
            pace=0.8,
            homing_s=11,
            levelling_s=70,
            boot_s=30,
            bed_mm=(250.0, 210.0, 220.0),
            nozzle_limit_c=460.0,
            nozzle_warming_s=90.0,
            bed_limit_c=160.0,
            bed_warming_s=210.0,
            filament_sensor=True,
            frailty=0.7,
        ),
        PrinterModel(
            name="CoreXY 300",
            pace=0.45,
            homing_s=18,
            levelling_s=95,
            boot_s=45,
            bed_mm=(300.0, 300.0, 340.0),
            nozzle_limit_c=520.0,
            nozzle_warming_s=70.0,
            bed_limit_c=170.0,
            bed_warming_s=380.0,
            filament_sensor=True,
            frailty=1.0,
        ),
        PrinterModel(
            name="Delta 260",
            pace=0.6,
            homing_s=7,
            levelling_s=60,
            boot_s=30,
            bed_mm=(260.0, 260.0, 300.0),
            nozzle_limit_c=440.0,
            nozzle_warming_s=100.0,
            bed_limit_c=140.0,
            bed_warming_s=260.0,
            filament_sensor=False,
            frailty=1.6,
        ),
    )
}
