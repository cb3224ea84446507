"""What is done to real OctoPrints, and what Layerline must say of it."""

import time
from collections.abc import Callable

from tests.real.farm import seconds_between
from tests.real.looking import is_warned, restart_and_compare, wait_until_over
from tests.real.stage import BAY, Stage
from tests.servers import wait_until

_SOON_S = 30.0
_COLD_S = 150.0
_NEAR_S = 5.0


def starts_idle(stage: Stage) -> None:
    """An OctoPrint that starts with its printer connected is idle, though nobody heard it connect."""
    stage.octoprint()
    stage.farm.wait_for(BAY, "idle", _SOON_S)


def restart_at_idle(stage: Stage) -> None:
    """A restart of ours leaves an idle printer idle, since when it was."""
    starts_idle(stage)
    restart_and_compare(stage, BAY)


def restart_in_mid_print(stage: Stage) -> None:
    """A restart of ours in mid-print leaves the job open, and it ends as it ends."""
    stage.octoprint().print_file("mid.gcode", 240)
    stage.farm.wait_for(BAY, "printing", _SOON_S)
    time.sleep(15)
    restart_and_compare(stage, BAY)
    stage.farm.wait_for(BAY, "finished", 240)
    job = stage.farm.jobs(BAY)[0]
    assert (job["file"], job["outcome"]) == ("mid.gcode", "succeeded"), job


def restart_at_finished(stage: Stage) -> None:
    """A finished print stays on its bed over a restart of ours, and a cleared bed stays cleared."""
    if stage.farm.state(BAY) != "finished":
        stage.octoprint().print_file("short.gcode", 15)
        stage.farm.wait_for(BAY, "finished", 60)
    restart_and_compare(stage, BAY)
    stage.farm.say("set", BAY, "bed-cleared", "--who", "the story")
    stage.farm.wait_for(BAY, "idle", _SOON_S)
    restart_and_compare(stage, BAY)


def end_while_away(stage: Stage) -> None:
    """A print that ends while we are away is over soon after we are back, and counts once."""
    printer = stage.octoprint()
    printer.print_file("away.gcode", 40)
    stage.farm.wait_for(BAY, "printing", _SOON_S)
    time.sleep(10)
    stage.restart(lambda: wait_until(lambda: printer.job_state() == "Operational", "the print ends", 90))
    wait_until_over(stage, BAY, "away.gcode", _COLD_S)
    assert stage.farm.state(BAY) in ("idle", "finished")


def killed_in_mid_print(stage: Stage) -> None:
    """An OctoPrint that is killed in mid-print and comes back has lost the print, at the kill."""
    printer = stage.octoprint()
    printer.print_file("killed.gcode", 120)
    stage.farm.wait_for(BAY, "printing", _SOON_S)
    time.sleep(10)
    killed = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    printer.kill()
    stage.farm.wait_for(BAY, "offline", _SOON_S)
    printer.start()
    wait_until_over(stage, BAY, "killed.gcode", _SOON_S)
    job = stage.farm.jobs(BAY)[0]
    assert job["outcome"] == "unknown", job
    assert seconds_between(job["ended_at"], killed) <= _NEAR_S, (job["ended_at"], killed)
    stage.farm.wait_for(BAY, "idle", _SOON_S)


def emergency_stop(stage: Stage) -> None:
    """After M112 the printer is in its error, and not only offline; connected again it is idle."""
    printer = stage.octoprint()
    printer.print_file("stopped.gcode", 60)
    stage.farm.wait_for(BAY, "printing", _SOON_S)
    time.sleep(5)
    printer.command("printer/command", command="M112")
    stage.farm.wait_for(BAY, "error", _SOON_S)
    job = stage.farm.jobs(BAY)[0]
    assert (job["outcome"], job["cause"]) == ("failed", "operator"), job
    printer.command("connection", command="connect")
    stage.farm.wait_for(BAY, "idle", _SOON_S)


def two_under_one_prefix(stage: Stage) -> None:
    """Two OctoPrints with one base topic are noticed, and said."""
    topic = "octoPrint/twins"
    for name in ("twin_a", "twin_b"):
        stage.octoprint(name, topic).print_file(f"{name}.gcode", 30)
    wait_until(
        lambda: is_warned(stage, f"two printers publish under {topic}/"),
        "the log warns of the common base topic",
        60,
    )
    wait_until(lambda: bool(stage.farm.needs("two_publishers")), "the page says so", _SOON_S)
    told = [each for each in stage.farm.doctor() if f"two printers publish under {topic}/" in each["seen"]]
    assert len(told) == 1, told
    assert "of its own" in told[0]["remedy"], told


def wrong_password(stage: Stage) -> None:
    """A printer with a wrong password is told as one that was refused, and is no printer."""
    wrong = stage.farm.broker._replace(password="not-the-password")
    stage.octoprint("stranger", broker=wrong)

    def is_told() -> bool:
        return any(item["reason"] in ("wrong_password", "wrong_login") for item in stage.farm.refused())

    wait_until(is_told, "whoever has a wrong password is told", 120)
    assert is_warned(stage, "refused"), "the log says who is refused"
    wait_until(lambda: bool(stage.farm.needs("refused_client")), "the page says so", _SOON_S)
    told = [each["seen"] for each in stage.farm.doctor() if each["what"] == "refused client"]
    assert any("wrong" in seen for seen in told), told
    assert "stranger" not in stage.farm.printers()


def oldest_protocol(stage: Stage) -> None:
    """A plugin whose protocol nobody has set speaks MQTT 3.1, and its printer is there all the same."""
    stage.octoprint("elder", broker=stage.farm.broker._replace(protocol="MQTTv31"))
    stage.farm.wait_for("elder", "idle", _SOON_S)


STORIES: tuple[Callable[[Stage], None], ...] = (
    starts_idle,
    restart_at_idle,
    restart_in_mid_print,
    restart_at_finished,
    end_while_away,
    killed_in_mid_print,
    emergency_stop,
    two_under_one_prefix,
    wrong_password,
    oldest_protocol,
)
