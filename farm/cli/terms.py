"""Who says something and why, and the options that all commands of a kind have in common."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, TypeAlias

from typer import Option

WhoOption: TypeAlias = Annotated[
    str | None, Option("--who", metavar="NAME", help="Who says so; else the user of this computer.")
]
WhyOption: TypeAlias = Annotated[str, Option("--why", metavar="TEXT", help="The reason, kept in the trail.")]


def with_options_of(kind: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the options that are the fields of the dataclass `kind`, after its own.

    The command takes them as one argument `terms`.
    """

    def given(command: Callable[..., None]) -> Callable[..., None]:
        own = [each for each in signature(command).parameters.values() if each.name != "terms"]
        shared = [
            Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type)
            for each in fields(kind)
        ]

        def said(**options: Any) -> None:
            terms = kind(**{each.name: options.pop(each.name) for each in shared})
            command(**options, terms=terms)

        parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own] + shared
        said.__name__, said.__doc__, said.__module__ = command.__name__, command.__doc__, command.__module__
        said.__annotations__.clear()
        said.__annotations__.update({each.name: each.annotation for each in parameters})
        said.__dict__["__signature__"] = Signature(parameters)
        return said

    return given


def user_name() -> str:
    """The user of this computer. Raises InvalidQuery where it has no name."""
    import getpass

    from farm.errors import InvalidQuery

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise InvalidQuery("--who: this computer does not say who you are; name yourself") from error


@contextmanager
def in_words_of_the_command(options: Mapping[str, str]) -> Iterator[None]:
    """What cannot be taken is told under the name of the option or argument that it came by.

    `options` are those of the fields, where a field is not called as its option is. Raises
    InvalidQuery in the place of InvalidInput.
    """
    from farm.errors import InvalidInput, InvalidQuery

    try:
        yield
    except InvalidInput as error:
        field = error.field.partition(".")[0]
        shown = options.get(field, f"--{field.replace('_', '-')}")
        value = f" {error.value}" if error.value else ""
        raise InvalidQuery(f"{shown}{value}: {error.remedy}") from error
