"""Writes the parts of docs/ that the program knows: settings, commands, figures, rules, and what to type
into printers.

    python -m tests.reference

puts them between the marks `<!-- NAME -->` and `<!-- end -->`; a test sees that they are up to date.
"""

import ast
import inspect
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import typer
from markdown_it import MarkdownIt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from alerts.notifiers import notifier_types
from alerts.rules import rule_types
from collector.adapters import adapters
from collector.tracker import limits
from collector.tracker.outcome import OUTCOME_RULES, OutcomeRule
from farm.app.config import SECTIONS, section_model
from farm.app.config_models import holds_secret, models_in
from farm.cli.help import described
from farm.cli.root import app
from farm.kpi.catalogue import CATALOGUE
from farm.kpi.faults import ANY_KNOWN, FAULT_RULES
from farm.kpi.figure import FIGURE_FIELDS
from farm.kpi.time_classes import TIME_RULES
from farm.model.printer_setup import USUAL_PREFIXES, PrinterBroker, SetupWay, free_name, setup_ways
from farm.model.states import PrinterState

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS.parent / "api" / "page"
_BLOCK = re.compile(r"(<!-- (?P<name>[^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """The text with each marked block replaced. Raises KeyError for a block that there is not."""

    def replace(found: re.Match[str]) -> str:
        return f"{found[1]}{blocks[found['name']]}{found[3]}"

    return _BLOCK.sub(replace, text)


def marks(text: str) -> list[str]:
    """The names of the marked blocks, in order."""
    return [found["name"] for found in _BLOCK.finditer(text)]


def setting_blocks() -> dict[str, str]:
    """A table of its keys for every section, and for every kind of receiver."""
    blocks = {}
    for name in SECTIONS:
        (section,) = section_model(name).model_fields.values()
        (model,) = models_in(section.annotation)
        blocks[f"settings of {name}"] = _settings_table(model)
    for kind, notifier in notifier_types().items():
        blocks[f"settings of receiver {kind}"] = _settings_table(notifier.settings_type)
    for kind, rule in rule_types().items():
        blocks[f"settings of rule {kind}"] = _settings_table(rule.settings_type)
    return blocks


def _settings_table(model: type[BaseModel]) -> str:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for key, field in model.model_fields.items():
        name = f"`{key}`"
        if holds_secret(field.annotation):
            name += f" or `{key}_file`"
        rows.append(f"| {name} | {_default(field)} | {_plain(field.description or '')} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or value is None or value == ():
        return "–"
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return f'"{value.total_seconds() / 3600:g}h"'
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, Enum):
        value = value.value
    return f'"{value}"' if isinstance(value, str) else str(value)


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def command_blocks() -> dict[str, str]:
    """The help of every command, as the program gives it."""
    group: Any = typer.main.get_command(app)
    context = typer.Context(group, info_name="layerline")
    blocks = {"commands": _command_list(group, context)}
    for name, command, inner in _commands(group, context):
        blocks[f"command {name}"] = _command_help(command, inner)
    return blocks


def _commands(group: Any, context: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every command with its whole name, those of groups too."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = typer.Context(command, info_name=name, parent=context)
        if hasattr(command, "list_commands"):
            yield from _commands(command, inner, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command, inner


def _command_list(group: Any, context: Any) -> str:
    rows = ["| command | what it does |", "|---|---|"]
    for name, command, _ in _commands(group, context):
        meaning = _plain(command.get_short_help_str(200))
        rows.append(f"| [`{name}`](#layerline-{name.replace(' ', '-')}) | {meaning} |")
    return "\n".join(rows) + "\n"


def _command_help(command: Any, context: Any) -> str:
    usage = f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    paragraphs = [" ".join(paragraph.split()) for paragraph in command.help.split("\n\n")]
    rows = ["| option | meaning |", "|---|---|"]
    for label, meaning in described(command, context, "argument") + described(command, context, "option"):
        if "--help" not in label:
            rows.append(f"| `{_plain(label)}` | {_plain(meaning)} |")
    parts = [
        f"```\n{usage}\n```",
        *paragraphs,
        "\n".join(rows),
        f"Examples:\n\n```sh\n{command.epilog.strip()}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def outcome_blocks() -> dict[str, str]:
    """The outcome rules in their order, what counts after a gap, and the limits of the tracker."""
    return {
        "outcome rules": _outcome_table(),
        "after a gap": _gap_table(),
        "tracker limits": _limit_table(),
    }


def _gap_table() -> str:
    rows = [
        "| adapter | rule | what is seen | for | state before | state after it | the job that was open |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, adapter in sorted(adapters().items()):
        for rule in adapter.after_gap:
            lasts = f"{rule.after_ms / 1000:g} s" if rule.after_ms else ""
            before = _states(rule.before)
            cells = (kind, f"`{rule.name}`", rule.sign.value, lasts, before, rule.state.value, rule.job.value)
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _states(states: Collection[PrinterState | None]) -> str:
    if set(states) == {*PrinterState, None}:
        return "any"
    return ", ".join([state.value for state in PrinterState if state in states] + ["none"] * (None in states))


def _outcome_table() -> str:
    heads = ("rule", "who tells", "the signal", "with", "outcome", "cause", "cancelled by", "confidence")
    rows = [f"| {' | '.join(heads)} | provenance |", "|---" * (len(heads) + 1) + "|"]
    rows += [f"| {' | '.join(_outcome_row(rule))} |" for rule in OUTCOME_RULES]
    return "\n".join(rows) + "\n"


def _outcome_row(rule: OutcomeRule) -> tuple[str, ...]:
    sure = (
        rule.confidence.value if rule.late is None else f"{rule.confidence.value}; {rule.late.value} if late"
    )
    told = (rule.signal, rule.fact, rule.outcome, rule.cause, rule.cancelled_by)
    cells = ("" if value is None else value.value for value in told)
    provenance = rule.provenance.value if rule.late is None else f"{rule.provenance.value}; inferred if late"
    return (f"`{rule.name}`", rule.teller.value, *cells, sure, provenance)


def _limit_table() -> str:
    """Each constant of the module with the text below it."""
    rows = ["| limit | value | meaning |", "|---|---|---|"]
    body = ast.parse(inspect.getsource(limits)).body
    for named, told in itertools.pairwise(body):
        if isinstance(named, ast.Assign) and isinstance(told, ast.Expr):
            (target,) = named.targets
            name, value = ast.unparse(target), ast.literal_eval(named.value)
            shown = f"{value / 1000:g} s" if name.endswith("_MS") else f"{value}"
            rows.append(f"| `{name}` | {shown} | {ast.literal_eval(told.value)} |")
    return "\n".join(rows) + "\n"


def figure_blocks() -> dict[str, str]:
    """The numbers that every figure carries, the classes of time, and what is a fault."""
    rows = ["| number | unit | meaning |", "|---|---|---|"]
    rows += [f"| `{field.name}` | {field.unit} | {_plain(field.meaning)} |" for field in FIGURE_FIELDS]
    return {
        "numbers of a figure": "\n".join(rows) + "\n",
        "what figures are made of": _part_table(),
        "classes of time": _class_table(),
        "faults": _fault_table(),
    }


def _part_table() -> str:
    rows = ["| indicator | better | worked out of | value | left out |", "|---|---|---|---|---|"]
    for entry in CATALOGUE:
        better = "more" if entry.more_is_better else "less"
        inputs, left_out = ", ".join(entry.inputs), ", ".join(f"`{each.name}`" for each in entry.left_out)
        rows.append(f"| `{entry.id}` | {better} | {inputs} | `{entry.expression}` | {left_out or '–'} |")
    return "\n".join(rows) + "\n"


def _fault_table() -> str:
    rows = ["| the printer is | and was | a fault | after |", "|---|---|---|---|"]
    for state, after, is_fault, source in FAULT_RULES:
        was = "anything" if after == ANY_KNOWN else _states(after)
        rows.append(f"| {state} | {was} | {'yes' if is_fault else 'no'} | {source} |")
    return "\n".join(rows) + "\n"


def _class_table() -> str:
    rows = ["| state | reason | class | in idle time | after |", "|---|---|---|---|---|"]
    for (state, reason), time_class, kept_by, source in TIME_RULES:
        kept = "" if kept_by is None else f"`{kept_by}_hours`"
        rows.append(f"| {state} | {reason or ''} | {time_class} | {kept} | {source} |")
    return "\n".join(rows) + "\n"


def setup_block(adapter: str) -> dict[str, str]:
    """What to type into a printer of the protocol, as page and terminal have it."""
    broker = PrinterBroker("192.168.1.10", 1883, tls=False, user="printers", password=None, embedded=False)
    ways = setup_ways(broker, USUAL_PREFIXES, free_name([], []))
    return {f"set-up of {adapter}": _setup_text(way) for way in ways if way.adapter == adapter}


def _setup_text(way: SetupWay) -> str:
    parts = ["\n".join(f"{number}. {step}" for number, step in enumerate(way.steps, 1))]
    if way.fields:
        rows = ["| field | value |", "|---|---|"]
        rows += [
            f"| {field.label} | {'tick' if field.value is None else f'`{field.value}`'} |"
            for field in way.fields
        ]
        parts.append("\n".join(rows))
    if way.block is not None:
        parts.append(f"```\n{way.block}\n```")
    return "\n".join(f"{part}\n" for part in parts)


WORDS_PAGE = """\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>The words · Layerline</title>
  <link rel="icon" href="/page/mark.svg" type="image/svg+xml">
  <script src="/page/theme.js"></script>
  <link rel="stylesheet" href="/page/base.css">
  <link rel="stylesheet" href="/page/words.css">
</head>
<body>
  <main class="words">
    <a class="back" href="/">Back to the farm</a>
{words}
  </main>
</body>
</html>
"""
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def words_page() -> tuple[Path, str]:
    """`docs/words.md` as a page of the program; other documents are not there, so nothing links to them."""
    text = _LINK.sub(r"\1", (DOCS / "words.md").read_text("utf-8"))
    return PAGE / "words.html", WORDS_PAGE.format(words=MarkdownIt().render(text).rstrip())


GENERATED: dict[str, Callable[[], dict[str, str]]] = {
    "configuration.md": setting_blocks,
    "cli.md": command_blocks,
    "kpis.md": figure_blocks,
    "outcomes.md": outcome_blocks,
    **{f"adapters/{adapter}.md": partial(setup_block, adapter) for adapter in USUAL_PREFIXES},
}


def up_to_date() -> Iterator[tuple[Path, str]]:
    """Each document and the text that it should have."""
    for name, blocks in GENERATED.items():
        file = DOCS / name
        yield file, filled(file.read_text("utf-8"), blocks())
    yield words_page()


if __name__ == "__main__":
    for document, wanted in up_to_date():
        document.write_text(wanted, "utf-8")
