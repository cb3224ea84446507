"""Which changes are made: a choice of Cosmic Ray's operators, and three more for tables of words.

Left out are operators whose mutants say nothing about a rule: `+` turned into `**`, `==` into
`is`, a decorator taken away; and its replacer of exceptions, which fails on dotted names.
"""

from collections.abc import Iterator
from typing import Any

import cosmic_ray.plugins
import parso.python.tree
from cosmic_ray.ast import get_ast
from cosmic_ray.operators.operator import Example, Operator

_CORE = (
    "AddNot",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceBinaryOperator_Mod_Mul",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBreakWithContinue",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_GtE_Lt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_Gt_LtE",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_LtE_Gt",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Lt_GtE",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_USub_UAdd",
    "ZeroIterationForLoop",
)

Position = tuple[tuple[int, int], tuple[int, int]]


def _entries(node: Any) -> list[list[Any]]:
    """The entries of a display of several, each as its nodes; none for a comprehension."""
    groups: list[list[Any]] = [[]]
    for child in node.children:
        if child.type == "operator" and child.value == ",":
            groups.append([])
        else:
            groups[-1].append(child)
    groups = [group for group in groups if group]
    if len(groups) < 2 or any(child.type in ("comp_for", "sync_comp_for") for g in groups for child in g):
        return []
    return groups


def _without(node: Any, group: list[Any]) -> Any:
    """The node without the entry and the comma behind it; what is left stays a display."""
    at = node.children.index(group[0])
    behind = at + len(group)
    node.children = node.children[:at] + node.children[behind + 1 :]
    last = node.children[-1]
    if not (last.type == "operator" and last.value == ","):
        node.children.append(parso.python.tree.Operator(",", last.end_pos))
    return node


class DropEntry(Operator):  # type: ignore[misc]  # the library has no types
    """Takes one entry out of a tuple, list, set or dictionary."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """See `Operator.mutation_positions`."""
        if node.type in ("testlist_comp", "dictorsetmaker"):
            for group in _entries(node):
                yield group[0].start_pos, group[-1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """See `Operator.mutate`."""
        return _without(node, _entries(node)[index])

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """See `Operator.examples`."""
        return (Example("x = (1, 2)", "x = (1,)", 1), Example("x = {1: 2, 3: 4}", "x = { 3: 4,}", 0))


class DropKeyword(Operator):  # type: ignore[misc]  # the library has no types
    """Takes one argument that is given by its name out of a call."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """See `Operator.mutation_positions`."""
        for group in self._named(node):
            yield group[0].start_pos, group[-1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """See `Operator.mutate`."""
        return _without(node, self._named(node)[index])

    @staticmethod
    def _named(node: Any) -> list[list[Any]]:
        if node.type != "arglist":
            return []
        return [
            g
            for g in _entries(node)
            if g[0].type == "argument" and getattr(g[0].children[1], "value", "") == "="
        ]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """See `Operator.examples`."""
        return (Example("f(a, b=1)", "f(a,)", 0),)


class SwapIn(Operator):  # type: ignore[misc]  # the library has no types
    """Turns `in` into `not in` and back."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """See `Operator.mutation_positions`."""
        if node.type == "comparison":
            for _, child in self._found(node):
                yield child.start_pos, child.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """See `Operator.mutate`."""
        at, child = self._found(node)[index]
        word = " in" if child.type == "comp_op" else " not in"
        node.children[at] = get_ast(word)
        return node

    @staticmethod
    def _found(node: Any) -> list[tuple[int, Any]]:
        return [
            (at, child)
            for at, child in enumerate(node.children)
            if child.get_code().split() in (["in"], ["not", "in"])
        ]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """See `Operator.examples`."""
        return (Example("x in y", "x not in y", 0), Example("x not in y", "x in y", 0))


OWN: dict[str, type[Operator]] = {
    "DropEntry": DropEntry,
    "DropKeyword": DropKeyword,
    "SwapIn": SwapIn,
}


def operators() -> dict[str, Operator]:
    """Every operator that is used, by its name."""
    found = {name: cosmic_ray.plugins.get_operator(f"core/{name}")() for name in _CORE}
    return found | {name: kind() for name, kind in OWN.items()}
