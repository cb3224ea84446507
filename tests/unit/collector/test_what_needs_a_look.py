"""What the collector keeps so that somebody can be told: why a print stopped, and when it moved last."""

from farm.model.job import Job
from farm.model.times import rfc3339
from tests.unit.collector.farm import SECOND, T0, Farm, farm

SOURCE = "native:bay=layerline/native/v1/bay"
PREFIX = "layerline/native/v1/bay"
JOB = {"id": "a-1", "file": "ring.ctb"}


def state(bay: Farm, at: float, word: str, **more: object) -> Job:
    told = {"v": 1, "at": rfc3339(T0 + round(at * SECOND)), "state": word, "job": JOB} | more
    bay.hear(at, "state", told)
    return bay.job


def test_the_words_of_a_pause_stand_at_the_job_while_it_lasts() -> None:
    with farm(SOURCE, PREFIX) as bay:
        assert state(bay, 0, "printing").detail is None
        assert state(bay, 60, "paused", detail="filament runout").detail == "filament runout"
        assert state(bay, 70, "paused").detail == "filament runout"
        assert state(bay, 90, "printing").detail is None
        assert state(bay, 120, "paused").detail is None
        done = {"v": 1, "at": rfc3339(T0 + 200 * SECOND), "event": "job_succeeded", "job": JOB}
        bay.hear(200, "event", done)
        assert bay.job.detail is None


def test_when_progress_moved_last_is_known_and_no_other_figure_moves_it() -> None:
    def figures(at: float, **more: object) -> None:
        bay.hear(at, "telemetry", {"v": 1, "at": rfc3339(T0 + round(at * SECOND))} | more)

    def moved() -> float | None:
        bay.pipeline.commit(T0)
        (status,) = bay.ledger.statuses()
        return None if status.progress_ms is None else (status.progress_ms - T0) / SECOND

    with farm(SOURCE, PREFIX) as bay:
        figures(0, nozzle=20)
        assert moved() is None
        figures(60, progress=0.1)
        figures(120, progress=0.1, nozzle=215)
        assert moved() == 60
        figures(180, progress=0.2)
        assert moved() == 180
