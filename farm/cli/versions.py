"""`layerline version`, and `layerline --version`."""

import sys
from typing import Annotated

from typer import Exit, Option

from farm.cli.options import JsonOption
from farm.cli.output import print_json

EXAMPLES = """
layerline version
layerline version --json
"""


def _say_version(asked: bool) -> None:
    if asked:
        version()
        raise Exit


def program(
    asked: Annotated[
        bool,
        Option("--version", "-V", callback=_say_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Take what stands before the command."""
    del asked  # its callback has said it


def version(as_json: JsonOption = False) -> None:
    """Say which version of Layerline, of Python and of the main libraries this is."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    found = {"python": sys.version.split()[0]}
    for name in ("layerline", "paho-mqtt", "iotcore", "sqlalchemy", "fastapi"):
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            found[name] = "not installed as a package"
    if as_json:
        print_json(found)
        return
    print(f"layerline {found['layerline']} (Python {found['python']})")  # noqa: T201  the command's answer
