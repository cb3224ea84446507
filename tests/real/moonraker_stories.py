"""What is done to a real Moonraker and the stand-in for its Klipper, and what Layerline must say of it."""

import time
from collections.abc import Callable

from tests.real.looking import restart_and_compare, wait_until_over
from tests.real.stage import VORON, Stage
from tests.servers import wait_until

_SOON_S = 30.0
_ASKED_S = 15.0


def klipper_idle(stage: Stage) -> None:
    """A Moonraker that appears is idle, and a restart of ours leaves it so."""
    stage.moonraker()
    stage.farm.wait_for(VORON, "idle", _SOON_S)
    restart_and_compare(stage, VORON)


def klipper_in_mid_print(stage: Stage) -> None:
    """A restart of ours in mid-print leaves the job open, and it ends as it ends."""
    stage.moonraker().print_file("mid.gcode", 90)
    stage.farm.wait_for(VORON, "printing", _SOON_S)
    time.sleep(10)
    restart_and_compare(stage, VORON)
    stage.farm.wait_for(VORON, "finished", 120)
    job = stage.farm.jobs(VORON)[0]
    assert (job["file"], job["outcome"]) == ("mid.gcode", "succeeded"), job
    restart_and_compare(stage, VORON)


def klipper_ends_while_away(stage: Stage) -> None:
    """A print that ends while we are away is a success, by the printer's own word."""
    stage.moonraker().print_file("away.gcode", 25)
    stage.farm.wait_for(VORON, "printing", _SOON_S)
    stage.restart(lambda: time.sleep(25))
    wait_until_over(stage, VORON, "away.gcode", _SOON_S)
    assert stage.farm.jobs(VORON)[0]["outcome"] == "succeeded"
    assert stage.farm.state(VORON) == "finished"


def klipper_estimate(stage: Stage) -> None:
    """What the slicer wrote into the file arrives with the job, and in the accuracy of estimates."""
    printer = stage.moonraker()
    printer.upload("sliced.gcode", seconds=80, grams=12.5)
    before = stage.farm.figure("estimate_accuracy")["counts"]["estimated"]
    printer.print_file("sliced.gcode", 44)
    stage.farm.wait_for(VORON, "printing", _SOON_S)
    wait_until(lambda: stage.farm.jobs(VORON)[0]["expected_seconds"] == 80, "the estimate arrives", _ASKED_S)
    (coming,) = stage.farm.forecast()["items"]
    assert (coming["file"], coming["told"]) == ("sliced.gcode", "estimate"), coming
    wait_until_over(stage, VORON, "sliced.gcode", 120)
    job, figure = stage.farm.jobs(VORON)[0], stage.farm.figure("estimate_accuracy")
    assert (job["outcome"], job["expected_seconds"]) == ("succeeded", 80), job
    assert figure["counts"]["estimated"] == before + 1, figure
    assert 0.3 < figure["value"] < 0.7, figure


def klipper_dies(stage: Stage) -> None:
    """A Klipper that dies in mid-print is noticed as soon as its Moonraker was asked."""
    printer = stage.moonraker()
    printer.print_file("dies.gcode", 90)
    stage.farm.wait_for(VORON, "printing", _SOON_S)
    printer.kill_klipper()
    stage.farm.wait_for(VORON, "offline", _ASKED_S)
    job = stage.farm.jobs(VORON)[0]
    assert (job["outcome"], job["cause"]) == ("failed", "host"), job
    printer.start()
    stage.farm.wait_for(VORON, "idle", _SOON_S)


def moonraker_dies(stage: Stage) -> None:
    """A Moonraker that dies in mid-print leaves the print under way, and it is the same when it is back."""
    printer = stage.moonraker()
    printer.print_file("on.gcode", 90)
    stage.farm.wait_for(VORON, "printing", _SOON_S)
    before = stage.standing(VORON)["job"]
    printer.kill_server()
    stage.farm.wait_for(VORON, "offline", _SOON_S)
    printer.start()
    stage.farm.wait_for(VORON, "printing", _SOON_S)
    assert stage.standing(VORON)["job"] == before
    wait_until_over(stage, VORON, "on.gcode", 120)
    assert stage.farm.jobs(VORON)[0]["outcome"] == "succeeded"


STORIES: tuple[Callable[[Stage], None], ...] = (
    klipper_idle,
    klipper_in_mid_print,
    klipper_ends_while_away,
    klipper_estimate,
    klipper_dies,
    moonraker_dies,
)
