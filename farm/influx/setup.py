"""Setting a server up: buckets with their retention, the downsampling, and a token for just these."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pydantic import SecretStr

from farm.errors import InfluxError
from farm.influx.client import InfluxServer
from farm.influx.history import DOWNSAMPLED_MS
from farm.influx.points import TELEMETRY
from farm.influx.settings import InfluxSettings

STARTING: Final = 503
"""What a server answers to everything while it starts."""
LONGEST_START_S: Final = 60.0
_LOOK_EVERY_S = 0.25
_TOKEN_REFUSED = (401, 403)
_ANSWERED_LAST = "/api/v2/setup"
"""Needs no token, and says 503 for as long as anything does; /health and /ready say 200 before."""

_log = logging.getLogger(__name__)
_EVERY_MINUTES = DOWNSAMPLED_MS // 60_000
_SECONDS_A_DAY = 86_400


class Done(NamedTuple):
    """What was done, in words, and the token to use."""

    steps: list[str]
    token: str


def wait_until_ready(
    server: InfluxServer, *, longest_s: float = LONGEST_START_S, pause: Callable[[float], None] = time.sleep
) -> None:
    """Wait while the server says that it starts (503), for `longest_s` seconds at most.

    Any other answer, or none, ends the wait: the request that comes after it tells best
    what is the matter. Raises InfluxError when the server still starts at the end.
    """
    for attempt in range(max(1, round(longest_s / _LOOK_EVERY_S))):
        try:
            server.call("GET", _ANSWERED_LAST)
        except InfluxError as error:
            if error.status != STARTING:
                return
        else:
            return
        if attempt == 0:
            _log.info("waiting for InfluxDB, which is starting")
        pause(_LOOK_EVERY_S)
    raise InfluxError(f"InfluxDB was still starting after {longest_s:g} s; try again later", status=STARTING)


def set_up(server: InfluxServer, *, telemetry_days: float, kept_token: str | None = None) -> Done:
    """Make what is missing and put right what is there; safe to repeat.

    `server` must be connected with a token that may do so. Events, states and indicators
    are kept without end, raw telemetry for `telemetry_days` (0: without end). A `kept_token`
    that still reaches the buckets stays; else a new one is made, since a server tells no token
    twice. Raises InfluxError.
    """
    settings = server.settings
    org_id, steps = _organisation(server)
    seconds = round(telemetry_days * _SECONDS_A_DAY)
    wanted = {settings.bucket: 0, settings.telemetry_bucket: seconds, settings.downsampled_bucket: 0}
    ids = []
    for name, retention_s in wanted.items():
        bucket_id, step = _bucket(server, org_id, name, retention_s)
        ids.append(bucket_id)
        steps.append(step)
    steps += [_task(server, org_id, name, flux) for name, flux in downsampling(settings).items()]
    if kept_token and _works(settings, kept_token):
        return Done([*steps, "the token that is there still works"], kept_token)
    token = _token(server, org_id, ids)
    steps.append(f"token made that may read and write these {len(ids)} buckets and nothing else")
    return Done(steps, token)


def _works(settings: InfluxSettings, token: str) -> bool:
    """Whether the server lets the token see our buckets."""
    with InfluxServer(settings.model_copy(update={"token": SecretStr(token)})) as server:
        try:
            return not missing_buckets(server)
        except InfluxError as error:
            if error.status in _TOKEN_REFUSED:
                return False
            raise


def missing_buckets(server: InfluxServer) -> list[str]:
    """The buckets to be written to that the server does not show to our token. Raises InfluxError."""
    wanted = (server.settings.bucket, server.settings.telemetry_bucket)
    return [name for name in wanted if _named(server, "buckets", name) is None]


def downsampling(settings: InfluxSettings) -> dict[str, str]:
    """The tasks by name: one for what comes in time, one a night for what came late."""
    raw, kept = settings.telemetry_bucket, settings.downsampled_bucket
    return {
        f"{kept} as it comes": _downsampling(
            settings, f"{_EVERY_MINUTES}m", "1m", "-1h", f"{kept} as it comes"
        ),
        f"{raw} late arrivals": _downsampling(settings, "1d", "3h", "-3d", f"{raw} late arrivals"),
    }


def _downsampling(settings: InfluxSettings, every: str, offset: str, back: str, name: str) -> str:
    # Only whole intervals: a mean of a part would take the place of the mean of the whole.
    return f"""import "date"
option task = {{name: "{name}", every: {every}, offset: {offset}}}
from(bucket: "{settings.telemetry_bucket}")
  |> range(
      start: date.truncate(t: {back}, unit: {_EVERY_MINUTES}m),
      stop: date.truncate(t: now(), unit: {_EVERY_MINUTES}m),
  )
  |> filter(fn: (r) => r._measurement == "{TELEMETRY}")
  |> aggregateWindow(every: {_EVERY_MINUTES}m, fn: mean, createEmpty: false, timeSrc: "_start")
  |> to(bucket: "{settings.downsampled_bucket}", org: "{settings.org}")
"""


def _named(server: InfluxServer, kind: str, name: str | None = None) -> dict[str, Any] | None:
    """What there is of that kind and name; servers answer 404 or an empty list where there is none."""
    try:
        found = server.call("GET", f"/api/v2/{kind}", query={"name": name} if name else None)[kind]
    except InfluxError as error:
        if error.status == 404:
            return None
        raise
    return found[0] if found else None


def _organisation(server: InfluxServer) -> tuple[str, list[str]]:
    name = server.settings.org
    found = _named(server, "orgs")  # the connection asks for its own organisation always
    if found is not None:
        return str(found["id"]), []
    made = server.call("POST", "/api/v2/orgs", {"name": name})
    return str(made["id"]), [f"organisation {name} made"]


def _bucket(server: InfluxServer, org_id: str, name: str, retention_s: int) -> tuple[str, str]:
    rules = [{"type": "expire", "everySeconds": retention_s}] if retention_s else []
    shown = f"keeps {retention_s / _SECONDS_A_DAY:g} days" if retention_s else "keeps everything"
    kept = _named(server, "buckets", name)
    if kept is None:
        made = server.call(
            "POST", "/api/v2/buckets", {"orgID": org_id, "name": name, "retentionRules": rules}
        )
        return str(made["id"]), f"bucket {name} made, {shown}"
    if sum(rule["everySeconds"] for rule in kept["retentionRules"]) == retention_s:
        return str(kept["id"]), f"bucket {name} is there, {shown}"
    server.call("PATCH", f"/api/v2/buckets/{kept['id']}", {"retentionRules": rules or [_FOREVER]})
    return str(kept["id"]), f"bucket {name} changed, {shown}"


_FOREVER = {"type": "expire", "everySeconds": 0}


def _task(server: InfluxServer, org_id: str, name: str, flux: str) -> str:
    found = _named(server, "tasks", name)
    if found is None:
        server.call("POST", "/api/v2/tasks", {"orgID": org_id, "flux": flux, "status": "active"})
        return f"task {name!r} made"
    server.call("PATCH", f"/api/v2/tasks/{found['id']}", {"flux": flux, "status": "active"})
    return f"task {name!r} is there"


def _token(server: InfluxServer, org_id: str, bucket_ids: list[str]) -> str:
    permissions = [
        {"action": action, "resource": {"type": "buckets", "id": bucket_id, "orgID": org_id}}
        for bucket_id in bucket_ids
        for action in ("read", "write")
    ]
    description = f"Layerline: read and write {server.settings.bucket} and its telemetry"
    request = {"orgID": org_id, "description": description, "permissions": permissions}
    return str(server.call("POST", "/api/v2/authorizations", request)["token"])
