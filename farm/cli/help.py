"""The help texts as they look on a terminal.

Typer's own rendering loads a Markdown parser and a syntax highlighter, which makes
`layerline --help` twice as slow; this one needs only how rich writes a line.
"""

import re
from difflib import get_close_matches
from typing import Any

from typer import BadParameter
from typer.core import TyperCommand, TyperGroup

from farm.errors import InvalidQuery
from farm.tables import indented

_INDENT = 2
_GAP = 2
_LONGEST_LABEL = 24
"""A longer one has its meaning below it."""
_BEFORE_OPTIONS = re.compile(r" (?=--)")
_GOES_ON = " \\"
_COLUMNS_APART = re.compile(r" {2,}")
_NO_CHOICE = re.compile(r"'(?P<value>.*)' is not one of (?P<allowed>.+)", re.DOTALL)
_UsageError: Any = BadParameter.__base__
"""Anything that is wrong with a command line; typer shows it without a name to import."""
_TYPE_NAME = re.compile(r" <[^|>]*>$")
"""How typer calls the type of an argument, `<list[str]>`; what may be chosen stays."""


class _Sheet:
    """One help text while it is being written."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False)

    def text(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, soft_wrap=False)

    def usage(self, words: str) -> None:
        from rich.text import Text

        self._console.print(Text.assemble(("Usage: ", "bold"), words))

    def paragraphs(self, text: str) -> None:
        for paragraph in text.split("\n\n"):
            self.text(f"\n{' '.join(paragraph.split())}")

    def rows(self, title: str, rows: list[tuple[str, str]]) -> None:
        from rich.text import Text

        if not rows:
            return
        self.text(f"\n{title}", "bold")
        short = [len(label) for label, _ in rows if len(label) <= _LONGEST_LABEL]
        column = _INDENT + max(short, default=_LONGEST_LABEL) + _GAP
        for whole, meaning in rows:
            *above, label = choices_apart(whole, self._console.width - _INDENT)
            for piece in above:
                self.text(f"{' ' * _INDENT}{piece}", "cyan")
            told = indented(meaning, self._console.width, column)
            if _INDENT + len(label) + _GAP > column:
                told.insert(0, "")
            first, *more = told or [""]
            line = Text(f"{' ' * _INDENT}{label}", style="cyan")
            line.append(first[len(line.plain) :], style="default")
            for each in (line, *map(Text, more)):
                self._console.print(each, no_wrap=True, crop=False, overflow="ignore")

    def examples(self, text: str | None) -> None:
        """The examples; what one is for stands on a line of its own where both have no room in one."""
        if not text:
            return
        self.text("\nExamples", "bold")
        for line in text.strip("\n").splitlines():
            command, *meaning = _COLUMNS_APART.split(line, maxsplit=1) if line[0] != " " else [line]
            if meaning and _INDENT + len(line) <= self._console.width:
                self.text(f"  {line}", "green")
                continue
            for piece in continued(command, self._console.width):
                self.text(piece, "green")
            for piece in indented(" ".join(meaning), self._console.width, 2 * _INDENT + _GAP):
                self.text(piece, "dim")


def choices_apart(label: str, room: int) -> list[str]:
    """The label in lines of at most `room` signs, broken between what may be chosen."""
    lines = [""]
    for choice in re.findall(r"[^|]+\|?", label):
        if lines[-1] and len(lines[-1]) + len(choice) > room:
            lines.append(" " * _INDENT)
        lines[-1] += choice
    return lines


def continued(command: str, room: int) -> list[str]:
    """The command in lines of at most `room` signs, broken before options as a shell takes it."""
    first, *options = _BEFORE_OPTIONS.split(command)
    lines = [" " * _INDENT + first]
    for option in options:
        if len(lines[-1]) + len(option) + len(_GOES_ON) < room:
            lines[-1] += f" {option}"
        else:
            lines[-1] += _GOES_ON
            lines.append(" " * (2 * _INDENT + _GAP) + option)
    return lines


def described(command: Any, context: Any, kind: str) -> list[tuple[str, str]]:
    """Label and meaning of the parameters of that kind, `argument` or `option`."""
    found = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if parameter.param_type_name == kind else None
        if record and kind == "argument":
            found.append((_TYPE_NAME.sub("", record[0]) + _more(parameter), record[1]))
        elif record:
            found.append(record)
    return found


def _more(argument: Any) -> str:
    return "" if argument.nargs == 1 else "..."


def _argument_in_usage(argument: Any) -> str:
    """`JOB...`, and in brackets where it may be left out."""
    name = argument.metavar or argument.name.upper()
    return (name if argument.required else f"[{name}]") + _more(argument)


def _in_our_words(fault: BadParameter) -> str:
    """Option, value and remedy; typer hands on what pydantic tells its developers."""
    parameter: Any = fault.param
    name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar
    message = fault.message.removeprefix("Value error, ").rstrip(".")
    if choice := _NO_CHOICE.fullmatch(message):
        allowed = choice["allowed"].replace("'", "")
        return f"{name} {choice['value']}: must be one of {allowed}"
    details = getattr(fault.__cause__, "errors", None)
    if details is None:
        return f"{name}: {message}"
    from farm.app.config_errors import remedy

    return f"{name} {details()[0]['input']}: {remedy(details()[0])}"


def _name_the_nearest(fault: Any) -> None:
    """Of the options that it may have been, which typer would name all in a line too long, the nearest."""
    possible = getattr(fault, "possibilities", None)
    if possible:
        (nearest,) = get_close_matches(fault.option_name, possible, n=1, cutoff=0)
        fault.message += f". Did you mean {nearest}?"
        fault.possibilities = None


def _write(command: Any, context: Any, commands: list[tuple[str, str]]) -> None:
    sheet = _Sheet()
    sheet.usage(f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}")
    sheet.paragraphs(command.help or "")
    sheet.rows("Commands", commands)
    sheet.rows("Arguments", described(command, context, "argument"))
    sheet.rows("Options", described(command, context, "option"))
    sheet.examples(command.epilog)


class Command(TyperCommand):
    """A command whose help ends with examples, which stand in its epilogue."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line. Raises InvalidQuery for a wrong value, UsageError for anything else."""
        try:
            return super().parse_args(ctx, args)
        except BadParameter as fault:
            if type(fault) is not BadParameter or fault.param is None:
                raise  # nothing is wrong but missing
            raise InvalidQuery(_in_our_words(fault)) from fault
        except _UsageError as fault:
            _name_the_nearest(fault)
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What stands behind the command in the line `Usage`."""
        arguments = [p for p in self.get_params(ctx) if p.param_type_name == "argument"]
        return ["[OPTIONS]", *map(_argument_in_usage, arguments)]

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  the signature is typer's
        """Write the help text."""
        _write(self, ctx, [])


class Group(TyperGroup):
    """The program itself: its help lists the commands in the order in which they were added."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  the signature is typer's
        """Write the help text."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        shown = [
            (name, found.get_short_help_str(100)) for name, found in commands if found and not found.hidden
        ]
        _write(self, ctx, shown)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  the signature is typer's
        """The names in the order in which they were added."""
        return list(self.commands)
