"""`python -m tests.audit`: whether a known vulnerability lies in any package that is installed here.

Asks OSV (https://osv.dev), which gathers the advisories of PyPA, GitHub and others, by one request
with the names and versions of the installed packages. Where it cannot be asked nothing is known,
which is said and is no failure: a checkout without network can be checked too.
"""

import http.client
import json
import os
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import NamedTuple

SERVICE = "https://api.osv.dev/v1/querybatch"
SERVICE_VARIABLE = "LAYERLINE_TEST_OSV"
"""Another service of the same form, for tests and for mirrors."""

ACCEPTED: Mapping[str, str] = {}
"""Vulnerabilities that do not concern us, by their id, each with the reason."""

_WITHIN_S = 15.0
_LARGEST_ANSWER = 8_000_000


class Package(NamedTuple):
    """A package of PyPI."""

    name: str
    version: str


class NotAskedError(Exception):
    """The service gave no answer that can be read; the text says why."""


def installed() -> list[Package]:
    """Every package in this environment but our own, by name."""
    found = {Package(each.name.lower(), each.version) for each in metadata.distributions()}
    return sorted(package for package in found if package.name != "layerline")


def known_vulnerabilities(
    packages: Sequence[Package], service: str, within_s: float
) -> dict[Package, list[str]]:
    """The ids of the vulnerabilities of each package that has any.

    Raises NotAskedError when no answer came within so many seconds, or none that can be read.
    """
    answers: list[dict[Package, list[str]] | Exception] = []

    def ask() -> None:
        try:
            answers.append(_asked(packages, service, within_s))
        except (
            OSError,
            http.client.HTTPException,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
        ) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            answers.append(error)

    # A thread, since a socket's time limit begins anew with each byte that drips in.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(within_s)
    if not answers:
        raise NotAskedError(f"no answer within {within_s:g} s")
    if isinstance(answers[0], Exception):
        raise NotAskedError(str(answers[0]) or type(answers[0]).__name__)
    return answers[0]


def _asked(packages: Sequence[Package], service: str, within_s: float) -> dict[Package, list[str]]:
    queries = [{"package": {"name": p.name, "ecosystem": "PyPI"}, "version": p.version} for p in packages]
    request = urllib.request.Request(  # noqa: S310  the address is ours, or of whoever runs this
        service, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=within_s) as answer:  # noqa: S310  as above
        results = json.loads(answer.read(_LARGEST_ANSWER))["results"]
    if len(results) != len(packages):
        raise ValueError(f"{len(results)} answers to {len(packages)} questions")
    found = {
        package: [str(vulnerability["id"]) for vulnerability in result.get("vulns", [])]
        for package, result in zip(packages, results, strict=True)
    }
    return {package: ids for package, ids in found.items() if ids}


def main() -> int:
    """Say what was found; 1 where a vulnerability is known that is not accepted."""
    packages, service = installed(), os.environ.get(SERVICE_VARIABLE, SERVICE)
    try:
        found = known_vulnerabilities(packages, service, _WITHIN_S)
    except NotAskedError as error:
        sys.stdout.write(f"audit skipped: {service} cannot be asked: {error}\n")
        return 0
    open_ids = [(package, each) for package, ids in found.items() for each in ids if each not in ACCEPTED]
    for package, each in open_ids:
        sys.stdout.write(f"{package.name} {package.version}: https://osv.dev/vulnerability/{each}\n")
    sys.stdout.write(f"audit: {len(packages)} packages, {len(open_ids)} known vulnerabilities\n")
    return 1 if open_ids else 0


if __name__ == "__main__":
    sys.exit(main())
