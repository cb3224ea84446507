"""What can be said of the broker that `layerline up` starts: which one it is, and whom it refused."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from farm.app.embedded_broker.choice import COST, REMEDY, SET_SO, choose_broker
from farm.app.embedded_broker.settings import BrokerKind
from farm.app.embedded_broker.status import read_status, refused_clients
from farm.app.listening import listens
from farm.cli.diagnosis import Diagnosis, failed, ok, warning
from farm.errors import ConfigurationError
from farm.model.clock import Clock, system_clock
from farm.model.times import rfc3339

if TYPE_CHECKING:
    from farm.app.config import Configuration
    from farm.model.refused_client import RefusedClient

_WHAT = "embedded broker"


def embedded_broker_diagnoses(
    configuration: "Configuration", clock: Clock = system_clock
) -> Iterator[Diagnosis]:
    """Which one runs, what it costs that it is not Mosquitto, and who is refused now."""
    settings = configuration.embedded_broker
    status = read_status(configuration.data)
    if status is None or not listens(settings.local_host, settings.port):
        yield broker_to_start(configuration)
    elif status.kind is BrokerKind.MOSQUITTO:
        yield ok(_WHAT, f"{status.name} runs since {rfc3339(status.since_ms)}")
    else:
        yield _built_in(f"{status.name} runs since {rfc3339(status.since_ms)}", status.why_built_in)
    yield from _refused(configuration, clock())


def broker_to_start(configuration: "Configuration") -> Diagnosis:
    """Which one `layerline up` starts."""
    settings = configuration.embedded_broker
    try:
        choice = choose_broker(settings.kind)
    except ConfigurationError as error:
        return failed(_WHAT, str(error))
    where = f"{settings.local_host}:{settings.port}"
    if choice.mosquitto is not None:
        return ok(_WHAT, f"`layerline up` starts {choice.mosquitto.name} on {where}")
    return _built_in(f"`layerline up` starts the built-in one on {where}", choice.why_built_in)


def _built_in(seen: str, why: str | None) -> Diagnosis:
    seen = f"{seen}, because {why}" if why else seen
    if why == SET_SO:
        return ok(_WHAT, f"{seen}; {COST}")
    return warning(_WHAT, seen, f"{COST}; {REMEDY}")


def _refused(configuration: "Configuration", now_ms: int) -> Iterator[Diagnosis]:
    clients = refused_clients(configuration.data)
    current = [client for client in clients if client.is_current(now_ms)]
    for client in current:
        times = "once" if client.count == 1 else f"{client.count} times"
        seen = f"{client.who} was refused {times}, last at {rfc3339(client.last_ms)}: {client.reason.words}"
        yield warning("refused client", seen, client.reason.remedy)
    if not current:
        yield ok("refused clients", _none_refused(clients[0] if clients else None))


def _none_refused(last: "RefusedClient | None") -> str:
    if last is None:
        return "none within the last minutes"
    told = f"the last one at {rfc3339(last.last_ms)}, {last.who}"
    if last.let_in_ms is not None:
        return f"none now; {told}, which was let in since"
    return f"none within the last minutes; {told}"
