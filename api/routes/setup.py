"""How a printer finds the broker, what to type into it, and why one does not get in."""

from ipaddress import ip_address
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request

from api import schemas, setup_schemas, views
from api.context import Context
from api.setup import BrokerAccess
from farm.model import limits
from farm.model.printer_setup import PrinterBroker, free_name, prefixes_for, setup_ways
from farm.model.times import rfc3339

router = APIRouter(tags=["setup"])

_USUAL_PORT = 1883
_NOTHING_KNOWN = BrokerAccess(host=None, port=None)


@router.get("/setup", summary="What to type into a printer so that it appears")
def show_setup(
    context: Context,
    request: Request,
    name: Annotated[
        str | None,
        Query(
            description="What the printer is to be called; else a name that is free.",
            min_length=1,
            max_length=limits.PRINTER_NAME.length,
            pattern=r"^[^/+#\x00-\x1f\x7f]+$",
        ),
    ] = None,
) -> setup_schemas.Setup:
    """Broker, topics and texts. The password only for who is signed in, or asks from this machine."""
    access = _NOTHING_KNOWN if context.setup is None else context.setup()
    trusted = context.sign_in is not None or _is_local(request)
    password = access.password.get_secret_value() if trusted and access.password is not None else None
    broker = PrinterBroker(
        host=access.host or request.url.hostname or "",
        port=access.port or _USUAL_PORT,
        tls=access.tls,
        user=access.username,
        password=password,
        embedded=access.password is not None,
    )
    wanted = name or _free_name(context, access)
    ways = setup_ways(broker, prefixes_for(access.topics), wanted)
    return setup_schemas.Setup(
        site=context.farm_view.site.name,
        host=access.host,
        port=access.port,
        tls=access.tls,
        username=access.username,
        password=password,
        topics=[setup_schemas.TopicHint(adapter=adapter, topic=topic) for adapter, topic in access.topics],
        name=wanted,
        ways=[setup_schemas.SetupWay.model_validate(msgspec.to_builtins(way)) for way in ways],
    )


@router.get("/refused-clients", summary="Whom the embedded broker did not let in, and why, newest first")
def list_refused_clients(context: Context) -> schemas.Listing[setup_schemas.RefusedClientRecord]:
    """Of the last week. Empty where the broker is another's: its own log tells whom it refuses."""
    now_ms = context.clock()
    refused = context.refusals() if context.refusals is not None else ()
    return schemas.Listing(at=rfc3339(now_ms), items=[views.refused_view(each, now_ms) for each in refused])


def _free_name(context: Context, access: BrokerAccess) -> str:
    reader = context.farm_view.reader
    names = [printer.name for printer in context.farm_view.labels().values()]
    return free_name([*names, *access.names], [*reader.prefixes(), *access.prefixes])


def _is_local(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
