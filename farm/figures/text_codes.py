"""Texts of jobs as numbers: a column of numbers takes less room, and is quicker to count by."""

from collections.abc import Iterator, Sequence
from typing import Final

NO_TEXT: Final = ""
"""What stands for a job that does not say it; its code is 0."""


class TextCodes:
    """The number of each text, given in the order in which they are met; none is ever taken back."""

    def __init__(self, texts: Sequence[str] = (NO_TEXT,)) -> None:
        """`texts` by code, as `texts` gave them."""
        self.texts = list(texts)
        """By code."""
        self._code = {text: code for code, text in enumerate(self.texts)}

    def __len__(self) -> int:
        return len(self.texts)

    def __contains__(self, text: object) -> bool:
        return text in self._code

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def code(self, text: str | None) -> int:
        """The number of the text, a new one where it was not met before."""
        if not text:
            return 0
        found = self._code.setdefault(text, len(self.texts))
        if found == len(self.texts):
            self.texts.append(text)
        return found


class JobTexts:
    """The codes of what jobs say in words."""

    def __init__(self, texts: dict[str, list[str]] | None = None) -> None:
        """`texts` as `kept` gave them."""
        kept = texts or {}
        self.file = TextCodes(kept.get("file", (NO_TEXT,)))
        self.material = TextCodes(kept.get("material", (NO_TEXT,)))
        self.operator = TextCodes(kept.get("operator", (NO_TEXT,)))
        self.spool = TextCodes(kept.get("spool", (NO_TEXT,)))

    def kept(self) -> dict[str, list[str]]:
        """Every text by kind and code."""
        return {
            "file": self.file.texts,
            "material": self.material.texts,
            "operator": self.operator.texts,
            "spool": self.spool.texts,
        }
