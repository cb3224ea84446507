"""The help texts as they look on a terminal.

Typer's own rendering loads a Markdown parser and a syntax highlighter, which makes
`layerline --help` twice as slow; this one needs only how rich writes a line.
"""

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

from farm.tables import indented

_INDENT = 2
_GAP = 2
_LONGEST_LABEL = 24
"""A longer one has its meaning below it."""
_COLUMNS_APART = re.compile(r" {2,}")


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
        for label, meaning in rows:
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
            if not meaning or _INDENT + len(line) <= self._console.width:
                self.text(f"  {line}", "green")
                continue
            self.text(f"  {command}", "green")
            for piece in indented(meaning[0], self._console.width, 2 * _INDENT + _GAP):
                self.text(piece, "dim")


def _described(command: Any, context: Any, kind: str) -> list[tuple[str, str]]:
    """Name and meaning of the parameters of that kind."""
    parameters = [p for p in command.get_params(context) if p.param_type_name == kind]
    records = [parameter.get_help_record(context) for parameter in parameters]
    return [(label, meaning) for label, meaning in (record for record in records if record)]


def _write(command: Any, context: Any, commands: list[tuple[str, str]]) -> None:
    sheet = _Sheet()
    sheet.usage(f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}")
    sheet.paragraphs(command.help or "")
    sheet.rows("Commands", commands)
    sheet.rows("Arguments", _described(command, context, "argument"))
    sheet.rows("Options", _described(command, context, "option"))
    sheet.examples(command.epilog)


class Command(TyperCommand):
    """A command whose help ends with examples, which stand in its epilogue."""

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
