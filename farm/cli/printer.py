"""`layerline printer`: what a person says of a printer."""

from enum import StrEnum
from typing import Annotated

from typer import Argument, Option, Typer

from farm.cli.help import Command, Group
from farm.cli.saying import Terms, say_of_printer, with_terms

SET_EXAMPLES = """
layerline printer set bay1 maintenance --why "new nozzle"
layerline printer set bay1 engineering --since 10m
layerline printer set bay1 waiting-for-material --why "grey PETG is out"
layerline printer set bay1 in-service
layerline printer set bay1 bed-cleared --who olga
"""
RENAME_EXAMPLES = """
layerline printer rename bay1 "Bay 1, left"
"""
RETIRE_EXAMPLES = """
layerline printer retire bay1                     it counts until now
layerline printer retire bay1 --at 2026-11-22T00:00:00Z --why sold
"""
FORGET_EXAMPLES = """
layerline printer forget test-topic --why "never was a printer"
"""
RESTORE_EXAMPLES = """
layerline printer restore bay1
"""

app = Typer(
    cls=Group,
    no_args_is_help=True,
    help="Say what a person knows of a printer: maintenance, a new name, that it is gone.",
)

NameArgument = Annotated[
    str,
    Argument(
        metavar="NAME", help="Its name, in capitals or not, an earlier one, or its id.", show_default=False
    ),
]
AtOption = Annotated[
    str | None,
    Option("--at", metavar="TIME", help="From when on: a date, a time, or like 10m for ten minutes ago."),
]


class ServiceWord(StrEnum):
    """`PrinterService` as it is typed."""

    MAINTENANCE = "maintenance"
    ENGINEERING = "engineering"
    WAITING_FOR_OPERATOR = "waiting-for-operator"
    WAITING_FOR_MATERIAL = "waiting-for-material"
    IN_SERVICE = "in-service"
    BED_CLEARED = "bed-cleared"


@with_terms
def set_state(
    name: NameArgument,
    state: Annotated[ServiceWord, Argument(metavar="STATE", help="What it is in.", show_default=False)],
    since: Annotated[
        str | None,
        Option(
            "--since", metavar="TIME", help="Since when: a date, a time, or like 10m for ten minutes ago."
        ),
    ] = None,
    *,
    terms: Terms,
) -> None:
    """Set a printer's state: maintenance, engineering, what it waits for, in-service, bed-cleared.

    maintenance (planned work on it) and engineering (calibration, tests) last until
    in-service is said. waiting-for-operator and waiting-for-material say why it rests, until it
    works again or in-service is said. bed-cleared ends `finished`: the printer is idle again.

    Ends with status 1 when the collector does not follow it, or has not taken it in.
    """
    from farm.model.operator_input import PrinterService, SetState

    word = SetState(PrinterService(state.value.replace("-", "_")))
    say_of_printer(name, word, terms, since)


@with_terms
def rename(
    name: NameArgument,
    new: Annotated[str, Argument(metavar="NEW", help="Its name from now on.", show_default=False)],
    *,
    terms: Terms,
) -> None:
    """Give a printer another name; its jobs, hours and alerts stay with it.

    Ends with status 1 when the collector does not follow it, or has not taken it in.
    """
    from farm.model.operator_input import RenamePrinter

    say_of_printer(name, RenamePrinter(new), terms)


@with_terms
def retire(
    name: NameArgument,
    at: AtOption = None,
    *,
    terms: Terms,
) -> None:
    """Let a printer count until now, or until --at, and pass over its messages from then on.

    What it printed until then stays in every figure. Its open alerts are resolved.

    Ends with status 1 when the collector does not follow it, or has not taken it in.
    """
    from farm.model.operator_input import RetirePrinter

    say_of_printer(name, RetirePrinter(), terms, at, "--at")


@with_terms
def forget(
    name: NameArgument,
    *,
    terms: Terms,
) -> None:
    """Take out what never was a printer: it stands in no figure, and its messages are passed over.

    Ends with status 1 when the collector does not follow it, or has not taken it in.
    """
    from farm.model.operator_input import ForgetPrinter

    say_of_printer(name, ForgetPrinter(), terms)


@with_terms
def restore(
    name: NameArgument,
    *,
    terms: Terms,
) -> None:
    """Let a retired or forgotten printer count again.

    Ends with status 1 when the collector does not follow it, or has not taken it in.
    """
    from farm.model.operator_input import RestorePrinter

    say_of_printer(name, RestorePrinter(), terms)


app.command("set", cls=Command, epilog=SET_EXAMPLES)(set_state)
app.command(cls=Command, epilog=RENAME_EXAMPLES)(rename)
app.command(cls=Command, epilog=RETIRE_EXAMPLES)(retire)
app.command(cls=Command, epilog=FORGET_EXAMPLES)(forget)
app.command(cls=Command, epilog=RESTORE_EXAMPLES)(restore)
