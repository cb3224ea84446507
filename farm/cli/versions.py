"""`layerline version`."""

import sys

from farm.cli.options import JsonOption
from farm.cli.output import print_json

EXAMPLES = """
layerline version
layerline version --json
"""


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
