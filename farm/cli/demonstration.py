"""`layerline demo`: a farm to look at."""

import tempfile
from pathlib import Path
from typing import Annotated

from typer import Exit, Option

from farm.cli.options import VerboseOption

EXAMPLES = """
layerline demo                                    until Ctrl-C
layerline demo --open                             and open the page in a browser
layerline demo --host 0.0.0.0 --port 9000         for others on the network, with a token
layerline demo --no-past                          from an empty farm
layerline demo --seconds 120 --data ./demo-data   and keep what it booked
"""


def demo(
    seconds: Annotated[
        float | None,
        Option("--seconds", metavar="N", min=1.0, help="End by itself after so long, with a summary."),
    ] = None,
    data: Annotated[
        Path | None,
        Option(
            "--data", metavar="FOLDER", help="Keep the demo's data there; else a folder that is thrown away."
        ),
    ] = None,
    host: Annotated[
        str | None,
        Option(
            "--host",
            metavar="ADDRESS",
            help="Where the page listens; else on this machine only. Beyond it a token is asked for, "
            "which is shown.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        Option(
            "--port", metavar="PORT", min=1, max=65_535, help="Port of the page; else 8642 or a free one."
        ),
    ] = None,
    open_page: Annotated[bool, Option("--open", help="Open the page in a browser.")] = False,
    fresh: Annotated[
        bool, Option("--fresh", help="Make the farm's past anew instead of taking the one that is kept.")
    ] = False,
    no_past: Annotated[
        bool, Option("--no-past", help="Begin with an empty farm, without four weeks of history.")
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Show a whole farm at work, on this machine only unless --host says otherwise.

    Starts a broker, collector, evaluator and API, a farm of simulated printers, two printers
    played from real recordings, and stand-ins for Slack and a mail server that tell what
    they receive: a streak alert comes within about a minute and a half, and its end later.

    The farm begins with a past of four weeks, simulated at the first start and kept in the
    user's cache folder; later starts only add the time since then.
    """
    from rich.console import Console

    from farm.app.logs import set_up_logging
    from farm.app.process_life import stop_event
    from farm.cli.demo.kept_past import cache_folder
    from farm.cli.demo.receivers import LOOPBACK
    from farm.cli.demo.show import Demo, PastWish
    from farm.cli.demo.stage import PageAddress

    set_up_logging(verbose=verbose)
    with tempfile.TemporaryDirectory(prefix="layerline-demo-") as thrown_away:
        folder = data or Path(thrown_away)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        past = None if no_past else PastWish(cache_folder(), fresh=fresh)
        page = PageAddress(host or LOOPBACK, port)
        show = Demo(folder, Console(highlight=False), past=past, page=page, verbose=verbose)
        raise Exit(show.run(stop_event(), seconds, open_page=open_page))
