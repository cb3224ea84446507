"""The indicators as points for InfluxDB, worked out of the ledger."""

from collections.abc import Sequence

from farm.figures.engine import KpiEngine
from farm.influx.points import TimedFigure, TimedForecast
from farm.influx.settings import InfluxSettings
from farm.kpi.figure import KpiFigure
from farm.kpi.forecast import next_free
from farm.kpi.subjects import Scope
from farm.ledger.ledger_reader import LedgerReader
from farm.model.clock import Clock
from farm.settings import SiteSettings


class LedgerKpis:
    """The indicators as points, worked out of the ledger (`farm.influx.kpi_queue.KpiSource`)."""

    def __init__(
        self,
        engine: KpiEngine,
        reader: LedgerReader,
        site: SiteSettings,
        settings: InfluxSettings,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._site = site
        self._settings = settings
        self._clock = clock

    def present_ms(self) -> int:
        """The ledger's present."""
        return self._reader.now_ms(self._clock())

    def points(self, at_ms: int, *, printers: bool) -> Sequence[TimedFigure]:
        """The figures as of `at_ms`: of farm and groups, and of each printer where asked for."""
        return self.points_at([at_ms], [at_ms] if printers else [])

    def points_at(self, instants: Sequence[int], printers_at: Sequence[int]) -> Sequence[TimedFigure]:
        """The figures as of the instants: of farm and groups, and of each printer as of some of them."""
        wanted = [
            (Scope.FARM, self._settings.kpi_windows, instants),
            (Scope.GROUP, self._settings.kpi_windows, instants),
            (Scope.PRINTER, self._settings.kpi_printer_windows, printers_at),
        ]
        return [
            TimedFigure(figure.window.to_ms, self._site.name, figure)
            for scope, names, at in wanted
            if at
            for figure in self._figures(scope, names, at)
        ]

    def forecasts(self, at_ms: int) -> Sequence[TimedForecast]:
        """What is coming as things stand now, for the instant `at_ms` that was just due."""
        statuses = self._reader.statuses()
        found = self._engine.forecasts(statuses, self.present_ms())
        first, printers = next_free(found), {each.printer.id: each.printer for each in statuses}
        return [TimedForecast(at_ms, printers[each.printer_id], each, each is first) for each in found]

    def _figures(self, scope: Scope, names: Sequence[str], instants: Sequence[int]) -> list[KpiFigure]:
        """All at once, which takes little longer than for one instant. Every window ends at its instant."""
        windows = [self._engine.window(name, at_ms) for at_ms in instants for name in names]
        return self._engine.evaluate_all(None, windows, scope, max(instants))
