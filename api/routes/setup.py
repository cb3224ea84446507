"""How a printer finds the broker."""

from ipaddress import ip_address

from fastapi import APIRouter, Request

from api import schemas
from api.context import Context

router = APIRouter(tags=["setup"])


@router.get("/setup", summary="What to type into a printer so that it appears")
def show_setup(context: Context, request: Request) -> schemas.Setup:
    """Broker and topics. The password only for who is signed in, or asks from this machine."""
    access = context.setup() if context.setup is not None else None
    password = None if access is None or access.password is None else access.password.get_secret_value()
    trusted = context.sign_in is not None or _is_local(request)
    return schemas.Setup(
        site=context.farm_view.site.name,
        host=None if access is None else access.host,
        port=None if access is None else access.port,
        tls=access is not None and access.tls,
        username=None if access is None else access.username,
        password=password if trusted else None,
        topics=[
            schemas.TopicHint(adapter=adapter, topic=topic)
            for adapter, topic in (access.topics if access is not None else ())
        ],
    )


def _is_local(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
