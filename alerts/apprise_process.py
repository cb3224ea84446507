"""One message through the library apprise, in a process of its own.

Standard input says what and where to, standard output what came of it, both as JSON; nothing else is
written anywhere. A process of its own can be ended when its time is up, whatever protocol is
spoken in it, and keeps to itself what the library takes: a second to load, 50 MB, the
standard library's logger, which it changes.
"""

import json
import logging
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import Any, Final

import apprise
from requests import ConnectionError as RequestsConnectionError
from requests import PreparedRequest, RequestException, Response, sessions
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from farm.answer_limit import LARGEST_ANSWER

MOST_MEMORY: Final = 1_000_000_000
"""Bytes of address space: whatever is answered takes no more from the machine."""
_MOST_SAID: Final = 5


class _Answers(HTTPAdapter):
    """Notes what HTTP servers answer, reads 64 kB of it, and lets nobody be sent elsewhere."""

    noted: Final[list[dict[str, Any]]] = []

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
        """Send the request. Raises RequestException."""
        try:
            response = super().send(request, *arguments, **options)
            body = response.raw.read(LARGEST_ANSWER, decode_content=True)
        except RequestException as error:
            self.noted.append({"error": type(error).__name__})
            raise
        except (OSError, HTTPError) as error:
            self.noted.append({"error": type(error).__name__})
            raise RequestsConnectionError(error, request=request) from error
        # Read here, so that it is not read without end; closed, since the rest of it will not be.
        response._content = body  # noqa: SLF001 - where `Response.content` keeps it
        response.raw.close()
        # Without it there is nowhere to be sent on to.
        response.headers.pop("Location", None)
        self.noted.append(
            {
                "status": response.status_code,
                "retry_after": response.headers.get("Retry-After"),
                "body": body.decode("utf-8", "replace"),
            }
        )
        return response


class _Said(logging.Handler):
    """Keeps what the library says of a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the words of a record."""
        if len(self.words) < _MOST_SAID:
            self.words.append(record.getMessage())


def main() -> None:
    """Send the message that standard input tells of, or only look at the address where there is none."""
    told = json.load(sys.stdin)
    answer_to = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.alarm(max(1, round(told["seconds"])))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    outcome = _outcome(told)
    with os.fdopen(answer_to, "w", encoding="utf-8") as output:
        json.dump(outcome, output)


def _outcome(told: dict[str, Any]) -> dict[str, Any]:
    said = _listen()
    sessions.HTTPAdapter = _Answers  # type: ignore[attr-defined]  # from there each plugin's requests take it
    service = apprise.Apprise.instantiate(told["url"], asset=_asset(), suppress_exceptions=True)
    if not isinstance(service, apprise.NotifyBase):
        return {"service": None}
    if "overflow=" not in told["url"].lower():
        # A service would refuse a message that is longer than it takes.
        service.overflow_mode = apprise.OverflowMode.TRUNCATE
    outcome: dict[str, Any] = {"service": str(service.service_name)}
    if (message := told.get("message")) is None:
        return outcome
    sender = apprise.Apprise(asset=_asset())
    sender.add(service)
    sent = sender.notify(
        body=message["body"],
        title=message["title"],
        notify_type=apprise.NotifyType(message["type"]),
        body_format=apprise.NotifyFormat.TEXT,
    )
    return outcome | {"sent": bool(sent), "answers": _Answers.noted, "said": said.words}


def _listen() -> _Said:
    said = _Said()
    log = logging.getLogger("apprise")
    log.addHandler(said)
    log.propagate = False
    return said


def _asset() -> apprise.AppriseAsset:
    """How the library presents itself; without pictures, which whoever reads would fetch from elsewhere."""
    return apprise.AppriseAsset(
        app_id="Layerline", app_desc="Layerline", app_url="", image_url_mask="", image_url_logo="",
        async_mode=False, secure_logging=True, storage_mode=apprise.PersistentStoreMode.MEMORY,
    )  # fmt: skip


if __name__ == "__main__":
    main()
