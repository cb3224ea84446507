"""Looking up what a place in the configuration may hold, in the pydantic models of its sections."""

import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr

from farm.app.config_layers import KeyPath

Model: TypeAlias = type[BaseModel]


def models_in(annotation: Any) -> list[Model]:
    """Every model that a value of this type can be or hold: those of unions, lists and tables too."""
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in models_in(part)]


def holds_secret(annotation: Any) -> bool:
    """Whether a value of this type must never be shown."""
    if annotation in (SecretStr, SecretBytes):
        return True
    if get_origin(annotation) in (Union, types.UnionType) or get_args(annotation):
        return any(holds_secret(part) for part in get_args(annotation))
    return False


def secret_keys(model: Model) -> list[str]:
    """The keys of the model that hold a secret, and can therefore be given by file."""
    return [key for key, field in model.model_fields.items() if holds_secret(field.annotation)]


def _is_free_table(annotation: Any) -> bool:
    """Whether the keys of this table are chosen by whoever writes it."""
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return True
    return any(_is_free_table(part) for part in get_args(annotation))


class SettingNode:
    """A place in the configuration: the types that may stand there."""

    def __init__(self, models: list[Model], annotation: Any = None) -> None:
        self.models = models
        self.annotation = annotation

    @property
    def secret(self) -> bool:
        """Whether what stands here must never be shown."""
        return holds_secret(self.annotation)

    @property
    def keys(self) -> list[str]:
        """The keys that are allowed here, with those by which a secret is read from a file."""
        plain = {key for model in self.models for key in model.model_fields}
        by_file = {f"{key}_file" for model in self.models for key in secret_keys(model)}
        return sorted(plain | by_file)

    def step(self, part: str | int) -> "SettingNode":
        """The place one step further: a key, a position in a list, or the tag of a union."""
        fields = [model.model_fields[str(part)] for model in self.models if part in model.model_fields]
        if fields:
            return SettingNode(
                [m for field in fields for m in models_in(field.annotation)], fields[0].annotation
            )
        if isinstance(part, int) or _is_free_table(self.annotation):
            return SettingNode(self.models, _item_type(self.annotation))
        return SettingNode([model for model in self.models if _is_tagged(model, part)], self.annotation)


def _item_type(annotation: Any) -> Any:
    """What a list or table of this type holds."""
    arguments = [part for part in get_args(annotation) if part is not Ellipsis]
    return arguments[-1] if arguments else annotation


def _is_tagged(model: Model, tag: str) -> bool:
    """Whether pydantic names this member of a union by `tag`."""
    return model.__name__ == tag or any(
        get_origin(field.annotation) is Literal and tag in get_args(field.annotation)
        for field in model.model_fields.values()
    )


def place_at(root: Model, path: KeyPath) -> SettingNode:
    """The place at `path`, which may hold union tags as pydantic's error locations do."""
    place = SettingNode([root], root)
    for part in path:
        place = place.step(part)
    return place


def written_settings(model: Model, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting below the model as a dotted name with its field; lists as `sources[].topic`."""
    for key, field in model.model_fields.items():
        name = f"{prefix}{key}"
        inner = models_in(field.annotation)
        if not inner:
            yield name, field
            continue
        listed = "[]" if _holds_list(field.annotation) else ""
        for part in inner:
            yield from written_settings(part, f"{name}{listed}.")


def _holds_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in (list, tuple, set, frozenset):
        return True
    return any(_holds_list(part) for part in get_args(annotation))
