"""The configuration: `layerline.toml`, the environment and flags, joined and checked.

Flags stand above the environment, the environment above the file. A section is checked
when it is first asked for, so that each command loads only what it uses; `check` checks
several at once. Whatever is wrong is said in one ConfigurationError.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pydantic import Field, SecretStr, ValidationError, create_model

from collector.sessions.thinning import ThinningSettings
from collector.settings import BrokerSettings, CollectorSettings, SourceSettings
from farm.app.config_errors import explain, unknown_section
from farm.app.config_layers import KeyPath, Layers, dotted, environment_settings, read_toml
from farm.app.config_models import Model, SettingNode, models_in, secret_keys
from farm.app.data_folder import DATA_VARIABLE, DEFAULT_FOLDER, DataFolder
from farm.app.embedded_broker.settings import EmbeddedBrokerSettings
from farm.app.logs import REDACTION, LogRedaction
from farm.app.printer_entries import contradictions
from farm.app.short_files import LONGEST_SECRET, read_short
from farm.errors import ConfigurationError
from farm.ledger.settings import LedgerSettings
from farm.settings import PrinterSettings, SiteSettings

if TYPE_CHECKING:
    from alerts.settings import AlertSettings
    from api.settings import ApiSettings
    from farm.influx.settings import InfluxSettings
    from farm.kpi.calendar_settings import CalendarSettings
    from farm.kpi.target_settings import TargetSettings

CONFIG_VARIABLE = "LAYERLINE_CONFIG"
CONFIG_FILE = "layerline.toml"

_PASSWORD = re.compile(r"://[^/?#:@]*:([^/?#]*)@")

SECTIONS = (
    "site",
    "broker",
    "embedded_broker",
    "sources",
    "printers",
    "calendars",
    "targets",
    "ledger",
    "collector",
    "telemetry",
    "influx",
    "alerts",
    "api",
)
"""Every section, in the order of the documentation."""


@dataclass(frozen=True)
class Flag:
    """A setting given on the command line. A `value` of None was not given."""

    name: str
    path: tuple[str, ...]
    value: Any


class Configuration:
    """The joined configuration. Its sections raise ConfigurationError when they are wrong."""

    def __init__(self, layers: Layers, data: DataFolder, file: Path | None, redaction: LogRedaction) -> None:
        self.data = data
        self.file = file
        self._layers = layers
        self._redaction = redaction

    @cached_property
    def site(self) -> SiteSettings:
        """`[site]`."""
        return self._section("site")  # type: ignore[no-any-return]

    @cached_property
    def _given_broker(self) -> BrokerSettings:
        return self._section("broker")  # type: ignore[no-any-return]

    @property
    def broker(self) -> BrokerSettings:
        """`[broker]`; where it names none, the embedded broker of this data folder.

        Looked up anew each time: the embedded broker's password is made at its first start.
        """
        given = self._given_broker
        if given.url is not None:
            return given
        if given.username is not None or given.password is not None:
            raise ConfigurationError(
                "broker.url: is missing, though `username` or `password` is set; "
                "without a URL the embedded broker is used, which has a password of its own"
            )
        embedded = self.embedded_broker
        credentials = self.data.credentials()
        if credentials is not None:
            self._redaction.register(credentials.password)
        return given.model_copy(
            update={
                "url": embedded.local_url,
                "username": credentials.user if credentials else None,
                "password": SecretStr(credentials.password) if credentials else None,
            }
        )

    @cached_property
    def is_broker_configured(self) -> bool:
        """Whether a broker is configured, so that none of our own is needed."""
        return self._given_broker.url is not None

    @cached_property
    def embedded_broker(self) -> EmbeddedBrokerSettings:
        """`[embedded_broker]`."""
        return self._section("embedded_broker")  # type: ignore[no-any-return]

    @cached_property
    def sources(self) -> tuple[SourceSettings, ...]:
        """`[[sources]]`; empty where the usual topics of every adapter are read."""
        from collector.adapters import adapters
        from collector.intake.sources import SourceTable

        sources: tuple[SourceSettings, ...] = self._section("sources")
        origin = self._layers.origin(("sources",))
        for number, source in enumerate(sources, 1):
            if source.adapter not in adapters():
                raise ConfigurationError(
                    f"{origin}: sources[{number - 1}].adapter (number {number} of [[sources]]) = "
                    f'"{source.adapter}": must be one of {", ".join(sorted(adapters()))}'
                )
        try:
            SourceTable(sources)
        except ConfigurationError as error:
            raise ConfigurationError(f"{origin}: {error}") from error
        return sources

    @cached_property
    def printers(self) -> tuple[PrinterSettings, ...]:
        """`[[printers]]`. No two entries give one name, or mean the same printer."""
        printers: tuple[PrinterSettings, ...] = self._section("printers")
        if problems := list(contradictions(printers)):
            raise ConfigurationError("\n".join(f"{self.origin_of_printers}: {each}" for each in problems))
        return printers

    @cached_property
    def calendars(self) -> "tuple[CalendarSettings, ...]":
        """`[[calendars]]`. No two entries have one name, or hold for the same group."""
        from farm.app.calendar_entries import contradictions as contradicting

        calendars: tuple[CalendarSettings, ...] = self._section("calendars")
        if problems := list(contradicting(calendars)):
            origin = self._layers.origin(("calendars",))
            raise ConfigurationError("\n".join(f"{origin}: {each}" for each in problems))
        return calendars

    @cached_property
    def targets(self) -> "tuple[TargetSettings, ...]":
        """`[[targets]]`."""
        return self._section("targets")  # type: ignore[no-any-return]

    @property
    def origin_of_printers(self) -> str:
        """Where `[[printers]]` stands: the file, or the variable."""
        return self._layers.origin(("printers",)) or "no file"

    @cached_property
    def ledger(self) -> LedgerSettings:
        """`[ledger]`; without a URL the SQLite ledger of the data folder."""
        return self._section("ledger")  # type: ignore[no-any-return]

    @cached_property
    def is_ledger_elsewhere(self) -> bool:
        """Whether the ledger is not the one in the data folder."""
        return self.ledger.url != self.data.ledger_url

    @cached_property
    def collector(self) -> CollectorSettings:
        """`[collector]`."""
        return self._section("collector")  # type: ignore[no-any-return]

    @cached_property
    def telemetry(self) -> ThinningSettings:
        """`[telemetry]`: what is kept of it, in the ledger and in InfluxDB alike."""
        return self._section("telemetry")  # type: ignore[no-any-return]

    @cached_property
    def influx(self) -> "InfluxSettings":
        """`[influx]`; without a URL InfluxDB is not used."""
        return self._section("influx")  # type: ignore[no-any-return]

    @cached_property
    def alerts(self) -> "AlertSettings":
        """`[alerts]`."""
        return self._section("alerts")  # type: ignore[no-any-return]

    @cached_property
    def api(self) -> "ApiSettings":
        """`[api]`."""
        return self._section("api")  # type: ignore[no-any-return]

    def given(self, section: str) -> Any:
        """A section as it is written, without what is filled in at run time."""
        return self._given_broker if section == "broker" else getattr(self, section)

    def keep(self, before: "Configuration", keys: Iterable[str]) -> None:
        """Take these settings (`api.port`) from the configuration before, whatever is written now."""
        for name in keys:
            section, _, key = name.partition(".")
            held = "_given_broker" if section == "broker" else section
            value = getattr(before.given(section), key)
            self.__dict__[held] = self.given(section).model_copy(update={key: value})

    def check(self, sections: Iterable[str] = SECTIONS) -> None:
        """Check these sections. Raises one ConfigurationError with everything that is wrong in them."""
        problems = []
        for name in sections:
            try:
                getattr(self, name)
            except ConfigurationError as error:
                problems.append(str(error))
        if problems:
            # What is wrong with one section may be met at another that is made from it.
            raise ConfigurationError("\n".join(dict.fromkeys(problems)))

    def _section(self, name: str) -> Any:
        root = section_model(name)
        tree = {name: self._layers.tree[name]} if name in self._layers.tree else {}
        secrets = SecretFiles(self._layers, root)
        try:
            checked = root.model_validate(secrets.resolve(tree))
        except ValidationError as error:
            raise ConfigurationError(explain(error, root, self._layers)) from None
        section = getattr(checked, name)
        for secret in secrets_in(section):
            self._redaction.register(secret)
        return section


class SecretFiles:
    """Puts the content of the file in the place of every `<key>_file` whose key is a secret."""

    def __init__(self, layers: Layers, root: Model) -> None:
        self._layers = layers
        self._root = root

    def resolve(self, tree: dict[str, Any]) -> dict[str, Any]:
        """The tree with the secrets read. Raises ConfigurationError naming key and file."""
        found: dict[str, Any] = self._walk(tree, SettingNode([self._root]), ())
        return found

    def _walk(self, value: Any, place: SettingNode, path: KeyPath) -> Any:
        if isinstance(value, list):
            return [self._walk(item, place.step(at), (*path, at)) for at, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        by_file = {f"{key}_file": key for model in place.models for key in secret_keys(model)}
        read = {}
        for key, item in value.items():
            if key in by_file:
                if by_file[key] in value:
                    raise ConfigurationError(
                        f"{self._layers.origin((*path, key))}: set `{dotted((*path, by_file[key]))}` "
                        f"or `{dotted((*path, key))}`, not both"
                    )
                read[by_file[key]] = self._read(item, (*path, key))
            else:
                read[key] = self._walk(item, place.step(key), (*path, key))
        return read

    def _read(self, name: Any, path: KeyPath) -> str:
        start = f"{self._layers.origin(path)}: {dotted(path)}"
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"{start}: must be the name of a file")
        file = self._layers.resolve(path, name)
        try:
            text = read_short(file, LONGEST_SECRET).decode("utf-8-sig").strip()
        except OSError as error:
            raise ConfigurationError(f"{start} = {name}: {file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{start} = {name}: {file} is not UTF-8 text") from None
        if not text:
            raise ConfigurationError(f"{start} = {name}: {file} is empty")
        return text


def load_configuration(
    *,
    config: Path | None = None,
    data: Path | None = None,
    flags: Sequence[Flag] = (),
    environment: Mapping[str, str] | None = None,
    redaction: LogRedaction = REDACTION,
) -> Configuration:
    """Find and read the configuration file, and lay environment and flags over it.

    The file is `config`, else $LAYERLINE_CONFIG, else layerline.toml here, else the one in
    the data folder, else none. Raises ConfigurationError for a file that is missing or
    unreadable and for sections that do not exist.
    """
    environment = os.environ if environment is None else environment
    folder = DataFolder(data or Path(environment.get(DATA_VARIABLE) or DEFAULT_FOLDER))
    file = find_file(config, environment, folder)
    layers = Layers()
    layers.put(("ledger", "url"), folder.ledger_url, "default")
    if file is not None:
        tree = read_toml(file)
        for key in tree:
            if key not in SECTIONS:
                raise ConfigurationError(f"{file}: {unknown_section(key, SECTIONS)}")
        layers.lay(tree, str(file), file.parent)
    for name, path, value in environment_settings(environment):
        if path[0] not in SECTIONS:
            raise ConfigurationError(f"environment {name}: {unknown_section(path[0], SECTIONS)}")
        layers.put(path, value, f"environment {name}")
    for flag in flags:
        if flag.value is not None:
            layers.put(flag.path, flag.value, flag.name)
    return Configuration(layers, folder, file, redaction)


def find_file(config: Path | None, environment: Mapping[str, str], folder: DataFolder) -> Path | None:
    """The configuration file to read. Raises ConfigurationError when one that was named is missing."""
    named = config or (Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None)
    if named is not None:
        origin = "--config" if config else f"environment {CONFIG_VARIABLE}"
        if not _is_file(named, origin):
            raise ConfigurationError(f"{origin}: there is no file {named}")
        return named
    if _is_file(Path(CONFIG_FILE), "the folder that this was started in"):
        return Path(CONFIG_FILE)
    kept = folder.path / CONFIG_FILE
    return kept if _is_file(kept, f"data folder {folder.path}") else None


def _is_file(file: Path, origin: str) -> bool:
    """Whether there is such a file. Raises ConfigurationError where that cannot be known."""
    try:
        return file.is_file()
    except OSError as error:
        raise ConfigurationError(f"{origin}: {file} cannot be looked for: {error.strerror}") from error


@cache
def section_model(name: str) -> Model:
    """A model with the section `name` as its only field."""
    listed: dict[str, Any] = {
        "sources": (tuple[SourceSettings, ...], ()),
        "printers": (tuple[PrinterSettings, ...], ()),
    }
    if name == "calendars":
        from farm.kpi.calendar_settings import CalendarSettings

        listed[name] = (tuple[CalendarSettings, ...], ())
    if name == "targets":
        from farm.kpi.target_settings import TargetSettings

        listed[name] = (tuple[TargetSettings, ...], ())
    if name in listed:
        field = listed[name]
    else:
        section = _section_class(name)
        field = (section, Field(default_factory=section))
    fields: dict[str, Any] = {name: field}
    return create_model("Configuration", **fields)


def _section_class(name: str) -> Model:
    if name == "influx":
        from farm.influx.settings import InfluxSettings

        return InfluxSettings
    if name == "alerts":
        from alerts.settings import AlertSettings

        return AlertSettings
    if name == "api":
        from api.settings import ApiSettings

        return ApiSettings
    classes: dict[str, Model] = {
        "site": SiteSettings,
        "broker": BrokerSettings,
        "embedded_broker": EmbeddedBrokerSettings,
        "ledger": LedgerSettings,
        "collector": CollectorSettings,
        "telemetry": ThinningSettings,
    }
    return classes[name]


def password_in(url: str) -> str | None:
    """The password in an address, also in one that cannot be used; None where there is none."""
    found = _PASSWORD.search(url)
    return found[1] if found else None


def secrets_in(value: Any) -> Iterable[str]:
    """Every secret that a checked section holds, the passwords in its URLs too."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, str) and "://" in value:
        if password := password_in(value):
            yield from (password, unquote(password))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from secrets_in(item)
    elif isinstance(value, Mapping):
        yield from secrets_in(tuple(value.values()))
    elif models_in(type(value)):
        for key in type(value).model_fields:
            yield from secrets_in(getattr(value, key))
