"""`--watch`: a view of the farm that is drawn anew every two seconds until Ctrl-C."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, TypeAlias

from typer import Option

if TYPE_CHECKING:
    from rich.text import Text

WatchOption: TypeAlias = Annotated[
    bool, Option("--watch", "-w", help="Show it anew every two seconds, on a terminal, until Ctrl-C.")
]

EVERY_S = 2.0


def watch(view: "Callable[[int], Iterable[Text]]") -> None:
    """Show the lines that `view` gives for the terminal's width until SIGINT or SIGTERM comes.

    A ledger that does not answer is shown as such, and asked again. Raises InvalidQuery where
    standard output is no terminal.
    """
    from rich.console import Console
    from rich.live import Live

    from farm.app.process_life import stop_event
    from farm.errors import InvalidQuery

    console = Console(highlight=False)
    if not console.is_terminal:
        raise InvalidQuery("--watch: goes with a terminal; programs have the live stream: docs/api.md")
    stop = stop_event()
    with Live(console=console, screen=True, auto_refresh=False) as screen:
        while True:
            screen.update(_drawn(view, console.width), refresh=True)
            if stop.wait(EVERY_S):
                return


def _drawn(view: "Callable[[int], Iterable[Text]]", width: int) -> "Text":
    from rich.text import Text

    from farm.errors import LedgerUnreachable

    try:
        lines = list(view(width))
    except LedgerUnreachable as error:
        lines = [Text(str(error), style="yellow")]
    return Text("\n", no_wrap=True, overflow="ignore").join(lines)
