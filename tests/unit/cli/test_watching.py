"""A view that is drawn anew until it is ended."""

import os
import signal
from collections.abc import Iterator

import pytest
from rich.text import Text

from farm.cli import watching
from farm.errors import InvalidQuery, LedgerUnreachable


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Standard output taken for a terminal, and signals as before at the end."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(watching, "EVERY_S", 0.01)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("terminal")
def test_it_is_drawn_until_ctrl_c_also_while_the_ledger_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    drawn: list[int] = []

    def view(width: int) -> list[Text]:
        drawn.append(width)
        if len(drawn) == 2:
            raise LedgerUnreachable("the ledger is away")
        if len(drawn) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return [Text(f"view {len(drawn)}"), Text("second line")]

    watching.watch(view)
    shown = capsys.readouterr().out
    assert len(drawn) == 3
    assert all(words in shown for words in ("view 1", "the ledger is away", "view 3", "second line"))


def test_without_a_terminal_it_is_refused() -> None:
    with pytest.raises(InvalidQuery, match="goes with a terminal"):
        watching.watch(lambda _: [])
