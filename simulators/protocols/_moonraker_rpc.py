"""What Moonraker answers on its JSON-RPC topics, for those who ask what MQTT did not say."""

from collections.abc import Callable
from typing import Any, Final

import msgspec


class RpcError(msgspec.Struct, frozen=True):
    """What Moonraker answers in place of a result."""

    code: int | msgspec.UnsetType
    message: str


NOT_FOUND: Final = RpcError(404, "Metadata not available")
NOT_CONNECTED: Final = RpcError(msgspec.UNSET, "Klippy Host not connected")
"""Moonraker is there and its Klipper is not: it is starting, or has died."""
_NO_METHOD: Final = RpcError(-32601, "Method not found")


def reply(payload: bytes, methods: dict[str, Callable[[dict[str, Any]], Any]]) -> bytes | None:
    """The response to a JSON-RPC request, None to what is no request."""
    try:
        request = msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.MsgspecError:
        return None
    method = methods.get(str(request.get("method")))
    params = request.get("params")
    result = _NO_METHOD if method is None else method(params if isinstance(params, dict) else {})
    kind = "error" if isinstance(result, RpcError) else "result"
    return msgspec.json.encode({"jsonrpc": "2.0", kind: result, "id": request.get("id")})


def server_info(klippy_state: str) -> dict[str, Any]:
    """The result of `server.info`; without a Klipper its state is `disconnected`."""
    return {
        "klippy_connected": klippy_state != "disconnected",
        "klippy_state": klippy_state,
        "components": ["secrets", "klippy_connection", "klippy_apis", "job_state", "history", "mqtt"],
        "failed_components": [],
        "registered_directories": ["config", "logs", "gcodes"],
        "warnings": [],
        "websocket_count": 0,
        "moonraker_version": "0.11.0",
        "missing_klippy_requirements": [],
        "api_version": [1, 5, 0],
        "api_version_string": "1.5.0",
    }
