"""Which printer and which adapter a topic belongs to."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from collector.adapters import adapter, adapters
from collector.adapters.base import Adapter
from collector.settings import SourceSettings
from farm.errors import ConfigurationError
from farm.model.bounds import fitted
from farm.model.limits import SOURCE_LABEL


class Match(NamedTuple):
    """A topic that a source reads: its adapter, the printer's name, its prefix and the rest."""

    adapter: Adapter
    printer: str
    prefix: str
    suffix: str
    source: str


class Source:
    """One configured source, ready to match topics."""

    def __init__(self, settings: SourceSettings) -> None:
        self.settings = settings
        self.adapter = adapter(settings.adapter)
        self.label = fitted(f"{settings.adapter}={settings.topic}", SOURCE_LABEL)
        below = "|".join(re.escape(s).replace(r"\+", "[^/]+") for s in self.adapter.suffixes)
        prefix = re.escape(settings.topic).replace(r"\{printer\}", "(?P<printer>[^/]+)")
        self._prefix = re.compile(prefix)
        self._pattern = re.compile(f"(?P<prefix>{prefix})/(?P<suffix>{below})")

    @property
    def filters(self) -> list[str]:
        """The MQTT topic filters to subscribe to."""
        prefix = self.settings.topic.replace("{printer}", "+")
        return [f"{prefix}/{suffix}" for suffix in self.adapter.suffixes]

    def reads(self, adapter_kind: str, prefix: str) -> bool:
        """Whether a printer with topics below `prefix` is one of this source's."""
        return self.announced(adapter_kind, prefix) is not None

    def announced(self, adapter_kind: str, prefix: str) -> str | None:
        """What a printer with topics below `prefix` calls itself; None where it is not this source's."""
        found = self._prefix.fullmatch(prefix) if adapter_kind == self.adapter.kind else None
        return None if found is None else self.settings.printer_name or found["printer"]

    def match(self, topic: str) -> Match | None:
        """The match of the topic, None when this source does not read it."""
        found = self._pattern.fullmatch(topic)
        if found is None:
            return None
        name = self.settings.printer_name or found["printer"]
        return Match(self.adapter, name, found["prefix"], found["suffix"], self.label)


class SourceTable:
    """All sources: fixed prefixes before those that name the printer in the topic."""

    def __init__(self, sources: Sequence[SourceSettings]) -> None:
        chosen = list(sources) or default_sources()
        ordered = sorted(chosen, key=lambda s: ("{printer}" in s.topic, -s.topic.count("/")))
        self.sources = [Source(settings) for settings in ordered]
        seen: dict[str, str] = {}
        for source in self.sources:
            other = seen.setdefault(source.settings.topic, source.label)
            if other != source.label:
                raise ConfigurationError(
                    f"sources: topic {source.settings.topic!r} is read by {other} and {source.label}; "
                    "give each adapter topics of its own"
                )

    @property
    def filters(self) -> list[str]:
        """Every MQTT topic filter to subscribe to, once."""
        return list(dict.fromkeys(f for source in self.sources for f in source.filters))

    def reads(self, adapter_kind: str, prefix: str) -> bool:
        """Whether any source reads the printer with topics below `prefix`."""
        return any(source.reads(adapter_kind, prefix) for source in self.sources)

    def announced(self, adapter_kind: str, prefix: str) -> str | None:
        """What a printer with topics below `prefix` calls itself; None where no source reads it."""
        names = (source.announced(adapter_kind, prefix) for source in self.sources)
        return next((name for name in names if name is not None), None)

    def match(self, topic: str) -> Match | None:
        """The first source that reads the topic."""
        for source in self.sources:
            found = source.match(topic)
            if found is not None:
                return found
        return None


def default_sources() -> list[SourceSettings]:
    """What is read when no source is configured: every adapter's usual topics."""
    return [
        SourceSettings(adapter=found.kind, topic=topic, printer=None)
        for found in adapters().values()
        for topic in found.default_topics
    ]
