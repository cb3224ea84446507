"""What is wrong with a configuration, in words: place, value and what is allowed. Never a secret."""

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from farm.app.config_layers import KeyPath, Layers, dotted
from farm.app.config_models import Model, SettingNode, place_at
from farm.tables import shortened

_LONGEST_VALUE = 80
_LONGEST_REMEDY = 600
_CREDENTIALS = re.compile(r"(?<=://)([^/@\s:]*):[^@\s]*@")

_ALLOWED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "string_unicode": "UTF-8 text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "literal_error": "{expected}",
    "enum": "{expected}",
}


def explain(error: ValidationError, root: Model, layers: Layers) -> str:
    """Every problem that pydantic found, one line each."""
    lines = [_explain_one(detail, root, layers) for detail in error.errors(include_url=False)]
    return "\n".join(dict.fromkeys(lines))


def unknown_key(key: str, place: SettingNode) -> str:
    """That `key` is not known at `place`, with the nearest name and all that are allowed."""
    near = get_close_matches(key, place.keys, n=1, cutoff=0.5)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return f"unknown key{hint} (allowed: {', '.join(place.keys)})"


def without_credentials(text: str) -> str:
    """The text with the passwords of the URLs in it masked."""
    return _CREDENTIALS.sub(r"\1:***@", text)


def _explain_one(detail: ErrorDetails, root: Model, layers: Layers) -> str:
    path = _written_path(detail["loc"], layers)
    if detail["type"] == "union_tag_invalid":
        return _unknown_tag(path, detail, layers)
    origin = layers.origin(path)
    name = _ordinal_hint(path, dotted(path))
    start = name if origin is None else origin if origin.startswith("--") else f"{origin}: {name}"
    if detail["type"] == "extra_forbidden":
        place = place_at(root, detail["loc"][:-1])
        return f"{start}: {unknown_key(str(path[-1]), place)}"
    if detail["type"] in ("missing", "union_tag_not_found"):
        return f"{start}: {_missing(detail, root)}"
    value = "" if _is_table(detail) else f" = {_shown(detail, root)}"
    return f"{start}{value}: {remedy(detail)}"


def _unknown_tag(path: KeyPath, detail: ErrorDetails, layers: Layers) -> str:
    """That the key which tells the members of a union apart names none of them."""
    context = detail["ctx"]
    key = (*path, context["discriminator"].strip("'"))
    name = _ordinal_hint(key, dotted(key))
    return (
        f"{layers.origin(key)}: {name} = {_text(context['tag'])}: must be one of {context['expected_tags']}"
    )


def _missing(detail: ErrorDetails, root: Model) -> str:
    if detail["type"] == "union_tag_not_found":
        return f"the key {detail['ctx']['discriminator']} is missing, which says what it is"
    field = place_at(root, detail["loc"])
    by_file = f" (or `{detail['loc'][-1]}_file`)" if field.secret else ""
    return f"is missing{by_file}"


def remedy(detail: ErrorDetails) -> str:
    """What the value must be, in words of ours where pydantic's are for developers."""
    context = {key: value for key, value in detail.get("ctx", {}).items() if key != "error"}
    if detail["type"] == "value_error":
        own_name = f"{dotted(detail['loc'])}: "
        # Its start names the value, and its end says what is wrong with it.
        return shortened(detail["msg"].removeprefix("Value error, ").removeprefix(own_name), _LONGEST_REMEDY)
    if allowed := _ALLOWED.get(detail["type"]):
        return f"must be {allowed.format(**context)}"
    return detail["msg"]


def _is_table(detail: ErrorDetails) -> bool:
    """Whether the complaint is about a table as a whole, whose text would only confuse."""
    return isinstance(detail["input"], dict) and not detail["type"].endswith("_type")


def _shown(detail: ErrorDetails, root: Model) -> str:
    if place_at(root, detail["loc"]).secret:
        return "(secret)"
    return _text(detail["input"])


def _text(value: Any) -> str:
    """The value as it is told, cut off where it is long."""
    if isinstance(value, dict | list | tuple):
        return "(a table)" if isinstance(value, dict) else "(a list)"
    text = without_credentials(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _written_path(location: KeyPath, layers: Layers) -> KeyPath:
    """The location without the union tags that pydantic adds: only what was really written."""
    path: list[str | int] = []
    here: Any = layers.tree
    for position, part in enumerate(location):
        inside = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int)
        last = position == len(location) - 1
        if inside:
            here = here[part]
        elif not last:
            continue
        elif not isinstance(here, dict):
            break
        path.append(part)
    return tuple(path)


def _ordinal_hint(path: KeyPath, name: str) -> str:
    """The name, and for an entry of a list the count that a reader would make."""
    for position, part in enumerate(path):
        if isinstance(part, int):
            return f"{name} (number {part + 1} of [[{dotted(path[:position])}]])"
    return name


def unknown_section(name: str, sections: Sequence[str]) -> str:
    """That there is no section `name`, with the nearest one and all that there are."""
    near = get_close_matches(name, sections, n=1, cutoff=0.5)
    hint = f"; did you mean [{near[0]}]?" if near else ""
    return f"there is no section [{name}]{hint} (allowed: {', '.join(sections)})"
