"""The help texts as they look on a terminal.

Typer's own rendering loads a Markdown parser and a syntax highlighter, which makes
`layerline --help` twice as slow; this one needs nothing but rich's tables.
"""

from typing import Any

from typer.core import TyperCommand, TyperGroup

_LABEL_WIDTH = 34
_PADDING = (0, 2, 0, 2)


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
        from rich.table import Table

        if not rows:
            return
        self.text(f"\n{title}", "bold")
        table = Table(box=None, show_header=False, padding=_PADDING, pad_edge=True)
        table.add_column(style="cyan", max_width=_LABEL_WIDTH, overflow="fold")
        table.add_column(ratio=1)
        from rich.text import Text

        for label, meaning in rows:
            table.add_row(Text(label), Text(meaning))
        self._console.print(table)

    def examples(self, text: str | None) -> None:
        if text:
            self.text("\nExamples", "bold")
            for line in text.strip("\n").splitlines():
                self.text(f"  {line}", "green")


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
