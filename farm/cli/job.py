"""`layerline job`: what is known of a job, and what a person says of it."""

from typing import Annotated

from typer import Argument, Option, Typer

from farm.cli import inspecting, showing
from farm.cli.help import Command, Group
from farm.cli.saying import JobArgument, Terms, say_of_job, with_terms
from farm.errors import InvalidQuery
from farm.model.states import CancelledBy, Cause, Outcome

CORRECT_EXAMPLES = """
layerline job correct 5f0f1c9a --outcome failed --cause adhesion --why "came off"
layerline job correct 5f0f1c9a --outcome cancelled --cancelled-by person
layerline job correct 5f0f1c9a --undo             what was inferred stands again
"""
NOTE_EXAMPLES = """
layerline job note 5f0f1c9a "first layer looked thin"
layerline job note 5f0f1c9a ""                    take the note away
"""
CLOSE_EXAMPLES = """
layerline job close 5f0f1c9a                      it ended now, nobody knows how
layerline job close 5f0f1c9a --outcome failed --at 2026-11-22T09:41:00Z
"""
DESCRIBE_EXAMPLES = """
layerline job describe 5f0f1c9a --material PETG --operator olga
layerline job describe 5f0f1c9a --units 4 --file gearbox_cover.gcode
"""

app = Typer(
    cls=Group,
    no_args_is_help=True,
    help="Show a job, and say what a person knows of it: what became of it, what it was, how its parts are.",
)

CauseOption = Annotated[
    Cause | None, Option("--cause", metavar="CAUSE", help=f"Why it failed: {', '.join(Cause)}.")
]


@with_terms
def correct(
    job: JobArgument,
    outcome: Annotated[Outcome | None, Option("--outcome", help="How it truly ended.")] = None,
    cause: CauseOption = None,
    cancelled_by: Annotated[CancelledBy | None, Option("--cancelled-by", help="Who cancelled it.")] = None,
    undo: Annotated[bool, Option("--undo", help="Take the correction before back.")] = False,
    *,
    terms: Terms,
) -> None:
    """Say what truly became of a job that has ended. It outranks what machines told.

    What stood before is kept as a revision, and --undo restores it.

    Ends with status 1 when the collector does not follow it, or has not taken it in.
    """
    from farm.model.operator_input import CorrectJob

    word = CorrectJob(outcome=outcome, cause=cause, cancelled_by=cancelled_by)
    if undo != (word == CorrectJob()):
        raise InvalidQuery("give --outcome, --cause or --cancelled-by, or --undo alone")
    say_of_job(job, word, terms)


@with_terms
def note(
    job: JobArgument,
    text: Annotated[str, Argument(metavar="TEXT", help="The note; empty takes it away.", show_default=False)],
    *,
    terms: Terms,
) -> None:
    """Put a note on a job, in the place of the one before.

    Ends with status 1 when the collector does not follow it, or has not taken it in.
    """
    from farm.model.operator_input import NoteJob

    say_of_job(job, NoteJob(text), terms)


@with_terms
def close(
    job: JobArgument,
    outcome: Annotated[Outcome, Option("--outcome", help="How it ended.")] = Outcome.UNKNOWN,
    cause: CauseOption = None,
    at: Annotated[
        str | None,
        Option(
            "--at", metavar="TIME", help="When it ended: a date, a time, or like 10m for ten minutes ago."
        ),
    ] = None,
    *,
    terms: Terms,
) -> None:
    """End a job that hangs: one that shows as under way and is not.

    Ends with status 1 when the collector does not follow it, or has not taken it in.
    """
    from farm.model.operator_input import CloseJob

    say_of_job(job, CloseJob(outcome=outcome, cause=cause), terms, at)


@with_terms
def describe(
    job: JobArgument,
    file: Annotated[str | None, Option("--file", metavar="NAME", help="The file that was printed.")] = None,
    material: Annotated[str | None, Option("--material", metavar="NAME", help="Its material.")] = None,
    operator: Annotated[str | None, Option("--operator", metavar="NAME", help="Who ran it.")] = None,
    spool: Annotated[str | None, Option("--spool", metavar="NAME", help="The spool it took.")] = None,
    units: Annotated[int | None, Option("--units", metavar="N", min=1, help="Parts on the plate.")] = None,
    *,
    terms: Terms,
) -> None:
    """Name file, material, operator, spool or units of a job that its printer did not tell.

    Ends with status 1 when the collector does not follow it, or has not taken it in.
    """
    from farm.model.operator_input import DescribeJob

    word = DescribeJob(file=file, material=material, operator=operator, spool=spool, units=units)
    if word == DescribeJob():
        raise InvalidQuery("give at least one of --file, --material, --operator, --spool and --units")
    say_of_job(job, word, terms)


app.command(cls=Command, epilog=showing.EXAMPLES)(showing.show)
app.command(cls=Command, epilog=inspecting.EXAMPLES)(inspecting.verdict)
app.command(cls=Command, epilog=CORRECT_EXAMPLES)(correct)
app.command(cls=Command, epilog=NOTE_EXAMPLES)(note)
app.command(cls=Command, epilog=CLOSE_EXAMPLES)(close)
app.command(cls=Command, epilog=DESCRIBE_EXAMPLES)(describe)
