"""The survivors that are known, each with the reason why no test can or need notice it."""

import tomllib
from pathlib import Path

FILE = Path(__file__).with_name("accepted.toml")


class UnreadableReasons(Exception):
    """The list of survivors is not as it must be; says which entry."""


def accepted(file: Path = FILE) -> dict[tuple[str, str], str]:
    """The reason by file and key of the mutant. Raises UnreadableReasons."""
    reasons: dict[tuple[str, str], str] = {}
    for entry in tomllib.loads(file.read_text(encoding="utf-8")).get("survivor", []):
        reason = " ".join(str(entry.get("reason", "")).split())
        if not reason:
            raise UnreadableReasons(f"a survivor of {entry.get('file')} has no reason")
        for key in entry["mutants"]:
            known = (str(entry["file"]), str(key))
            if known in reasons:
                raise UnreadableReasons(f"{known} is listed twice")
            reasons[known] = reason
    return reasons
