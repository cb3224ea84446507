"""How the stories look at what became of what they did."""

import time

from tests.real.stage import Stage
from tests.servers import wait_until

_BACK_S = 45.0


def restart_and_compare(stage: Stage, printer: str) -> None:
    """Restart ours, and see that the printer stands as it stood, before it is heard again and after."""
    before = stage.standing(printer)
    stage.restart()
    for _ in range(round(_BACK_S / 5)):
        now = stage.standing(printer)
        if now["job"] is None and before["job"] is not None:
            # The print may end while we look.
            break
        assert now == before, f"{before} became {now}"
        time.sleep(5)


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
