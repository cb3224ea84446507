"""What Moonraker answers on its JSON-RPC topics, for those who ask what MQTT did not say."""

from collections.abc import Callable
from typing import Any

import msgspec

from farm.model.states import Outcome
from simulators.job_run import JobRun

_NOT_FOUND = {"code": 404, "message": "Metadata not available"}
_NO_METHOD = {"code": -32601, "message": "Method not found"}
_WORDS = {
    Outcome.SUCCEEDED: "completed",
    Outcome.CANCELLED: "cancelled",
    Outcome.FAILED: "error",
    None: "in_progress",
}


def reply(payload: bytes, methods: dict[str, Callable[[dict[str, Any]], Any]]) -> bytes | None:
    """The response to a JSON-RPC request, None to what is no request.

    A method that finds nothing gives None, which is answered as an error.
    """
    try:
        request = msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.MsgspecError:
        return None
    method = methods.get(str(request.get("method")))
    params = request.get("params")
    body: dict[str, Any] = {"jsonrpc": "2.0"}
    if method is None:
        body["error"] = _NO_METHOD
    elif (result := method(params if isinstance(params, dict) else {})) is None:
        body["error"] = _NOT_FOUND
    else:
        body["result"] = result
    body["id"] = request.get("id")
    return msgspec.json.encode(body)


def server_info() -> dict[str, Any]:
    """The result of `server.info`."""
    return {
        "klippy_connected": True,
        "klippy_state": "ready",
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


def history_row(run: JobRun, now_ms: int) -> dict[str, Any]:
    """One print in the history. Times in seconds since 1970, lengths in millimetres."""
    ended = run.ended_ms
    return {
        "job_id": f"{run.truth.number:06X}",
        "user": "_TRUSTED_USER_",
        "filename": run.file.name,
        "status": _WORDS[run.truth.outcome],
        "start_time": run.started_ms / 1000,
        "end_time": None if ended is None else ended / 1000,
        "print_duration": run.printed_ms(now_ms) / 1000,
        "total_duration": run.elapsed_ms(now_ms) / 1000,
        "filament_used": round(run.filament_mm(now_ms), 5),
        "metadata": _metadata(run),
        "auxiliary_data": [],
        "exists": True,
    }


def file_metadata(run: JobRun) -> dict[str, Any]:
    """The result of `server.files.metadata` about the file of a print."""
    return {**_metadata(run), "filename": run.file.name}


def _metadata(run: JobRun) -> dict[str, Any]:
    return {
        "size": run.plan.size_bytes,
        "slicer": "PrusaSlicer",
        "estimated_time": round(run.file.expected_seconds),
        "layer_height": run.file.layer_mm,
        "filament_type": run.file.material,
    }
