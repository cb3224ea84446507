"""Which broker is run, and how its process is started."""

import sys
from dataclasses import dataclass

from farm.app.data_folder import Credentials, DataFolder
from farm.app.embedded_broker.mosquitto import Mosquitto, NoMosquitto, find_mosquitto
from farm.app.embedded_broker.settings import BrokerKind, EmbeddedBrokerSettings
from farm.app.logs import LogFormat
from farm.errors import ConfigurationError

MODULE = "farm.app.embedded_broker"
SET_SO = 'embedded_broker.kind is "built_in"'

COST = (
    "what it keeps for a collector that is away is lost when it restarts, it hands a backlog over filter by "
    "filter instead of in order, refuses MQTT 5, and passes every byte through Python"
)
"""What the built-in broker costs, against Mosquitto."""
REMEDY = (
    "install mosquitto 2 (Debian: apt-get install mosquitto, then systemctl disable --now mosquitto), "
    "and start `layerline up` again"
)


@dataclass(frozen=True)
class BrokerChoice:
    """The Mosquitto to run, or None for the built-in broker and `why_built_in`."""

    mosquitto: Mosquitto | None
    why_built_in: str | None = None


def choose_broker(kind: BrokerKind) -> BrokerChoice:
    """Mosquitto where it is found and wanted. Raises ConfigurationError where it is wanted and missing."""
    if kind is BrokerKind.BUILT_IN:
        return BrokerChoice(None, SET_SO)
    try:
        return BrokerChoice(find_mosquitto())
    except NoMosquitto as error:
        if kind is BrokerKind.MOSQUITTO:
            raise ConfigurationError(
                f'embedded_broker.kind = "mosquitto": {error}; '
                'install mosquitto 2, or set "auto" or "built_in"'
            ) from error
        return BrokerChoice(None, str(error))


def prepare_broker(
    settings: EmbeddedBrokerSettings, folder: DataFolder, log_format: LogFormat = LogFormat.TEXT
) -> tuple[Credentials, list[str]]:
    """The broker's credentials, made at the first start, and the command that runs it.

    Raises ConfigurationError when the one that is wanted is not there.
    """
    choose_broker(settings.kind)
    credentials = folder.make_credentials()
    wanted = settings.model_dump_json()
    where = str(folder.path.absolute())
    return credentials, [sys.executable, "-P", "-m", MODULE, where, wanted, log_format.value]
