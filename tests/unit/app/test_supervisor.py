"""Child processes: kept running, ended in order, never left behind."""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from farm.app.supervisor import LogStream, SupervisedPart, Supervisor
from farm.errors import StartError
from tests.servers import wait_until

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
OBEDIENT = """
import sys, time
from farm.app.process_life import end_with_parent, stop_event
end_with_parent()
stop = stop_event()
print("up", flush=True)
stop.wait()
print("down", flush=True)
"""
OBEDIENT_ELSEWHERE = f"import sys; sys.platform = 'darwin'\n{OBEDIENT}"
HANGING = """
import time
from farm.app.process_life import end_with_parent, stop_event
end_with_parent()
stop = stop_event()
stop.is_set()
print("up", flush=True)
time.sleep(600)
"""
BEATING = """
from farm.app.process_life import end_with_parent, stop_event
end_with_parent()
stop = stop_event()
print("up", flush=True)
while not stop.wait(0.1):
    pass
"""
LATE = """
import signal, time
from farm.app.process_life import RunSignals, end_with_parent
end_with_parent()
print("starting", flush=True)
while signal.SIGHUP not in signal.sigpending():
    time.sleep(0.01)
signals = RunSignals()
signals.on_hang_up(lambda: print("read again", flush=True))
signals.stop.wait()
"""
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"


def python(code: str) -> list[str]:
    return [sys.executable, "-P", "-c", code]


class Farm:
    """A supervisor under test, with what its children wrote."""

    def __init__(self, *parts: SupervisedPart) -> None:
        self.output = io.StringIO()
        self.stop = threading.Event()
        self.supervisor = Supervisor(parts, LogStream(self.output, 6))
        self.status: int | None = None
        self._thread = threading.Thread(target=self._keep)

    def _keep(self) -> None:
        self.status = self.supervisor.keep(self.stop)

    def run(self) -> None:
        self.supervisor.start(self.stop)
        self._thread.start()

    @property
    def pids(self) -> dict[str, int]:
        """The running processes by the name of their part."""
        running = {child.part.name: child.running for child in self.supervisor._children}
        return {name: run.process.pid for name, run in running.items() if run is not None}

    def end(self) -> None:
        self.stop.set()
        if self._thread.ident is None:
            self.supervisor.stop()
        else:
            self._thread.join(30)

    def wait_for(self, text: str, times: int = 1) -> None:
        wait_until(lambda: self.output.getvalue().count(text) >= times, f"{times} times {text!r}")


@contextmanager
def farm(*parts: SupervisedPart) -> Iterator[Farm]:
    under_test = Farm(*parts)
    try:
        yield under_test
    finally:
        under_test.end()


def test_every_line_of_a_child_carries_its_name() -> None:
    with farm(SupervisedPart("api", python(SLEEPER))) as running:
        running.run()
        running.wait_for("up\n")
        assert running.output.getvalue() == "api    | up\n"


def test_a_killed_child_is_started_again() -> None:
    with farm(SupervisedPart("api", python(SLEEPER))) as running:
        running.run()
        running.wait_for("up")
        first = running.pids["api"]
        os.kill(first, signal.SIGKILL)
        running.wait_for("up", times=2)
        assert running.pids["api"] != first


def test_children_are_ended_in_reverse_order_and_none_is_left() -> None:
    with farm(SupervisedPart("broker", python(OBEDIENT)), SupervisedPart("api", python(OBEDIENT))) as running:
        running.run()
        running.wait_for("up", times=2)
        pids = list(running.pids.values())
        running.end()
        text = running.output.getvalue()
        assert running.status == 0
        assert text.index("api    | down") < text.index("broker | down")
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


def test_a_child_that_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farm.app.supervisor._STOP_PATIENCE_S", 0.2)
    with farm(SupervisedPart("api", python(STUBBORN))) as running:
        running.run()
        running.wait_for("up")
        running.end()
        assert running.pids == {}


def test_a_child_that_falls_silent_is_killed_and_started_again(caplog: pytest.LogCaptureFixture) -> None:
    with farm(SupervisedPart("api", python(HANGING), silent_s=0.5)) as running:
        running.run()
        running.wait_for("up", times=2)
    assert "api has given no sign of life for 1 s; killing it" in caplog.text


def test_a_child_that_beats_or_never_did_is_left_alone() -> None:
    parts = [
        SupervisedPart("beats", python(BEATING), silent_s=2.5),
        SupervisedPart("mute", python(SLEEPER), silent_s=0.1),
    ]
    with farm(*parts) as running:
        running.run()
        running.wait_for("up", times=2)
        before = running.pids
        for _ in range(40):
            running.stop.wait(0.1)
        assert running.pids == before


def test_a_child_that_answers_no_more_is_killed_and_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("farm.app.supervisor._ASK_EVERY_S", 0.05)
    answers = iter([True, True])
    part = SupervisedPart("api", python(SLEEPER), is_alive=lambda: next(answers, False), silent_s=0.3)
    with farm(part) as running:
        running.run()
        first = running.pids["api"]
        running.wait_for("up", times=2)
        assert running.pids["api"] != first
    assert "api has given no sign of life for 0 s; killing it" in caplog.text
    assert "api ended with status -9; starting it again" in caplog.text


def test_a_child_that_is_told_to_reload_while_it_starts_does_so_once_it_can() -> None:
    with farm(SupervisedPart("api", python(LATE), reloads=True)) as running:
        running.run()
        running.wait_for("starting")
        first = running.pids["api"]
        running.supervisor.reload()
        running.wait_for("read again")
        assert running.pids["api"] == first


def test_a_wrong_configuration_of_one_part_ends_all() -> None:
    with farm(
        SupervisedPart("broker", python(SLEEPER)), SupervisedPart("api", python("raise SystemExit(2)"))
    ) as running:
        running.run()
        wait_until(lambda: running.status is not None, "the supervisor gives up")
        assert running.status == 2
        assert running.pids == {}


def test_the_next_part_waits_until_the_one_before_is_ready(tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    code = f"import pathlib, time; time.sleep(0.2); pathlib.Path({str(mark)!r}).touch(); time.sleep(600)"
    check = f"import pathlib; print(pathlib.Path({str(mark)!r}).exists(), flush=True)"
    with farm(
        SupervisedPart("broker", python(code), mark.exists), SupervisedPart("api", python(check))
    ) as running:
        running.run()
        running.wait_for("api    | True")
        assert "False" not in running.output.getvalue()


def test_a_part_that_ends_while_it_is_started_is_an_error_with_its_status() -> None:
    with farm(SupervisedPart("broker", python("raise SystemExit(1)"), lambda: False)) as running:
        with pytest.raises(StartError, match="broker ended with status 1") as caught:
            running.run()
        assert caught.value.status == 1


def test_a_part_that_never_gets_ready_is_an_error_and_is_ended() -> None:
    part = SupervisedPart("broker", python(SLEEPER), lambda: False, ready_within_s=0.3)
    with farm(part) as running:
        with pytest.raises(StartError, match=r"broker is not ready after 0\.3 s"):
            running.run()
        assert running.pids == {}


@pytest.mark.parametrize("code", [OBEDIENT, OBEDIENT_ELSEWHERE], ids=["Linux", "elsewhere"])
def test_a_child_ends_when_its_supervisor_is_killed(code: str) -> None:
    supervisor = f"""
import sys, threading
from farm.app.supervisor import LogStream, SupervisedPart, Supervisor
kept = Supervisor([SupervisedPart("api", [sys.executable, "-P", "-c", {code!r}])], LogStream(sys.stdout, 3))
kept.start(threading.Event())
print("pid", kept._children[0].running.process.pid, flush=True)
threading.Event().wait()
"""
    with subprocess.Popen(python(supervisor), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        lines: list[str] = []
        while not any(line.startswith("pid") for line in lines) or "api | up\n" not in lines:
            lines.append(parent.stdout.readline())
        child = int(next(line for line in lines if line.startswith("pid")).split()[1])
        parent.kill()
    wait_until(lambda: not _runs(child), "the child ends with its parent")


def _runs(pid: int) -> bool:
    """Whether the process is there and no zombie that merely waits to be collected."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text("utf-8")
    except FileNotFoundError:
        return False
