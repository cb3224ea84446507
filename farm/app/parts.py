"""The processes of a farm: what each is called, how it is started, and when it is ready."""

import http.client
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from farm.app.config import CONFIG_VARIABLE
from farm.app.data_folder import DATA_VARIABLE
from farm.app.embedded_broker.choice import prepare_broker
from farm.app.embedded_broker.status import read_status
from farm.app.listening import listens, local_address, local_url
from farm.app.logs import LogFormat
from farm.app.process_life import lives
from farm.app.supervisor import SupervisedPart
from farm.errors import ConfigurationError

if TYPE_CHECKING:
    from farm.app.config import Configuration

_ANSWER_S = 1
_FORMER_ENDS_WITHIN_S = 12.0
_FORMER_SAVES_WITHIN_S = 3.0
"""A Mosquitto whose watcher was killed as well."""
_LOOK_EVERY_S = 0.1


def farm_parts(
    configuration: "Configuration",
    *,
    broker: str | None = None,
    database: str | None = None,
    host: str | None = None,
    port: int | None = None,
    log_format: LogFormat = LogFormat.TEXT,
    verbose: bool = False,
) -> list[SupervisedPart]:
    """The processes, in the order in which they are to be started.

    `broker` and `database` are the URLs of the command line, `host` and `port` where its page is to
    listen. They reach the processes through their environment, where other users of the machine
    cannot read passwords.
    Raises ConfigurationError when a port that is needed is taken.
    """
    environment = {DATA_VARIABLE: str(configuration.data.path.absolute())}
    if configuration.file is not None:
        environment[CONFIG_VARIABLE] = str(configuration.file.absolute())
    given = {"BROKER__URL": broker, "LEDGER__URL": database, "API__HOST": host, "API__PORT": port}
    environment |= {f"LAYERLINE_{key}": str(value) for key, value in given.items() if value is not None}
    options = ["--log-format", log_format.value, *(["--verbose"] if verbose else [])]

    def layerline(command: str) -> list[str]:
        return [sys.executable, "-P", "-m", "farm.cli", command, *options]

    configuration.data.make()
    _refuse_taken_api_port(configuration)
    parts = [] if configuration.is_broker_configured else [_embedded_broker(configuration, log_format)]
    return [
        *parts,
        SupervisedPart("collector", layerline("collector"), environment=environment, reloads=True),
        SupervisedPart("evaluator", layerline("evaluator"), environment=environment, reloads=True),
        _api(configuration, layerline("api"), environment),
    ]


def _api(configuration: "Configuration", command: list[str], environment: dict[str, str]) -> SupervisedPart:
    def answers() -> bool:
        return _answers(configuration)

    return SupervisedPart("api", command, answers, environment=environment, is_alive=answers, reloads=True)


def page_url(configuration: "Configuration") -> str:
    """Where the page is, as to be typed into a browser on this machine."""
    return local_url(configuration.api.host, configuration.api.port)


def _embedded_broker(configuration: "Configuration", log_format: LogFormat) -> SupervisedPart:
    settings = configuration.embedded_broker
    host, port = settings.local_host, settings.port
    if listens(host, port) and not _former_ends(configuration):
        raise ConfigurationError(
            f"embedded_broker.port = {port}: something listens there already. The service that comes with "
            "the package mosquitto gives way with `systemctl disable --now mosquitto`; to use a broker that "
            f'runs there set broker.url = "mqtt://{host}:{port}"; else choose another port'
        )
    _, command = prepare_broker(settings, configuration.data, log_format)
    return SupervisedPart("broker", command, lambda: listens(host, port))


def _former_ends(configuration: "Configuration") -> bool:
    """Whether a broker of ours, left by a `layerline up` that was killed, makes room: it saves its queues."""
    settings, status = configuration.embedded_broker, read_status(configuration.data)
    if status is None:
        return False
    deadline = time.monotonic() + (_FORMER_ENDS_WITHIN_S if lives(status.process) else _FORMER_SAVES_WITHIN_S)
    while listens(settings.local_host, settings.port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def _refuse_taken_api_port(configuration: "Configuration") -> None:
    host, port = configuration.api.host, configuration.api.port
    if port == 0:
        raise ConfigurationError("api.port = 0: `layerline up` needs a fixed port to say where the page is")
    if listens(local_address(host), port):
        raise ConfigurationError(
            f"api.port = {port}: something listens on {host}:{port} already; "
            "is Layerline running? Else choose another port"
        )


def _answers(configuration: "Configuration") -> bool:
    host, port = configuration.api.host, configuration.api.port
    with closing(http.client.HTTPConnection(local_address(host), port, timeout=_ANSWER_S)) as connection:
        try:
            connection.request("GET", "/health/live")
            status: int = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
    return status == http.client.OK
