"""How the stories look at what became of what they did."""

import time
from datetime import UTC, datetime
from typing import Any

from tests.real.stage import Stage
from tests.servers import wait_until

_BACK_S = 180.0
"""OctoPrint's plugin waits up to two minutes before it looks for its broker again."""
_AFTER_S = 10.0


def restart_and_compare(stage: Stage, printer: str) -> None:
    """Restart ours, and see that the printer stands as it stood, before it is heard again and after.

    On a slow machine we may be away for longer than the printer may be silent. Then nobody knows how it
    stood meanwhile: what it tells next must be the same state and job, and since when is not compared.
    """
    before, limit_s, connections = (
        stage.standing(printer),
        stage.silence_s(printer),
        stage.connections(printer),
    )
    gone = datetime.now(UTC)
    away_s = stage.restart()
    if away_s > limit_s:
        print(f"       {printer}: away for {away_s:.0f} s, of {limit_s:.0f} s that are bridged", flush=True)
        before.pop("since")

    def stands() -> dict[str, Any]:
        now = stage.standing(printer)
        return {key: now[key] for key in before}

    def is_heard() -> bool:
        now = stands()
        is_seen = now["state"] != "unknown" or away_s <= limit_s
        assert not is_seen or now == before, f"{before} became {now}"
        heard = datetime.fromisoformat(stage.farm.printers()[printer]["heard_at"])
        # What waited in a queue without a time of its own is dated back; a cold OctoPrint says no more.
        return is_seen and (heard > gone or stage.connections(printer) > connections)

    wait_until(is_heard, f"{printer} is heard again", _BACK_S)
    time.sleep(_AFTER_S)
    assert stands() == before, f"{before} became {stands()}"


def wait_until_over(stage: Stage, printer: str, file: str, limit_s: float) -> None:
    """Wait until the printer's last job, of this file, is over; it must be there once."""

    def is_over() -> bool:
        jobs = stage.farm.jobs(printer)
        return bool(jobs and jobs[0]["file"] == file and jobs[0]["outcome"] is not None)

    wait_until(is_over, f"{file} is over", limit_s)
    assert [job["file"] for job in stage.farm.jobs(printer)].count(file) == 1


def is_warned(stage: Stage, words: str) -> bool:
    """Whether the log has a warning with these words."""
    return any("WARNING" in line and words in line for line in stage.farm.log.splitlines())
