"""All mutants of a module, each with the words by which it is known from run to run."""

import ast
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.operators.operator import Operator

from tests.mutants.operators import operators
from tests.mutants.targets import ROOT


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    `key` says it in the source's own words (definition, what stood there, what stands there now),
    so that it stays the same when lines move.
    """

    path: Path
    line: int
    key: str
    source: str

    @property
    def module(self) -> str:
        """The module's name to import."""
        name = ".".join(self.path.with_suffix("").parts)
        return name.removesuffix(".__init__")


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of the file, in order of operator and place. The path is relative to the root."""
    code = (ROOT / path).read_text(encoding="utf-8")
    quiet = _quiet_places(code)
    tree = get_ast(code)
    nodes, copied = list(ast_nodes(tree)), pickle.dumps(tree)
    seen: set[str] = set()
    for name, operator in operators().items():
        positions = [(node, start) for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, (node, start) in enumerate(positions):
            if node.parent is not None and node.parent.type == "parameters":
                continue  # the star of a signature
            if name == "AddNot" and _is_turned_otherwise(node):
                continue
            if any(begin <= start < end for begin, end in quiet):
                continue
            source = _mutated(copied, operator, occurrence)
            if source is None or not _compiles(source):
                continue
            definition = ASTQuery(node).get_definition_name() or path.stem
            key = f"{definition}: {_change(code, source)}"
            if source in seen:
                continue
            seen.add(source)
            yield Mutant(path, start[0], key, source)


def _mutated(copied: bytes, operator: Operator, occurrence: int) -> str | None:
    """As `cosmic_ray.mutating.mutate_code`, which parses the source anew for each mutant."""
    visitor = MutationVisitor(occurrence, operator)
    tree = visitor.walk(pickle.loads(copied))  # noqa: S301 - made a moment ago
    return str(tree.get_code()) if visitor.mutation_applied else None


def _is_turned_otherwise(node: Any) -> bool:
    """Whether the condition is a comparison or begins with `not`, which other operators turn round."""
    condition = node.children[2 if node.type == "test" else 1]
    return condition.type in ("comparison", "not_test")


Place = tuple[int, int]


def _quiet_places(code: str) -> list[tuple[Place, Place]]:
    """What holds no rule: types, ports, decorators, bases of classes, texts of errors, imports for types."""
    found: list[tuple[Place, Place]] = []
    for node in ast.walk(ast.parse(code)):
        parts: list[ast.AST | None] = []
        match node:
            case ast.AnnAssign() | ast.arg():
                parts = [node.annotation]
            case ast.FunctionDef():
                parts = [node.returns, *node.decorator_list]
            case ast.ClassDef(bases=[*_, ast.Name(id="Protocol")]):
                parts = [node]
            case ast.ClassDef():
                parts = [*node.bases, *(keyword.value for keyword in node.keywords), *node.decorator_list]
                found += [((k.lineno, k.col_offset), (k.lineno, k.col_offset + 1)) for k in node.keywords]
            case ast.Raise():
                parts = [node]
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                parts = [node]
            case _:
                continue
        found += [_place(part) for part in parts if part is not None]
    return found


def _place(node: ast.AST) -> tuple[Place, Place]:
    located = cast(ast.expr, node)
    end = located.end_lineno or located.lineno, located.end_col_offset or located.col_offset
    return (located.lineno, located.col_offset), end


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _change(before: str, after: str) -> str:
    """The lines that differ, as `old => new`."""
    old, new = before.splitlines(), after.splitlines()
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < min(len(old), len(new)) - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    sides = (old[same : len(old) - tail], new[same : len(new) - tail])
    gone, come = (" ".join(line.strip() for line in lines) for lines in sides)
    return f"{gone} => {come}".strip()
