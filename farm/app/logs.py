"""The log: one line a record on standard error, as text or JSON, with every secret masked."""

import json
import logging
import sys
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import TextIO

from farm.model.secret_mask import SecretMask
from farm.model.terminal_text import plain_json, plain_lines
from farm.model.times import SECOND_MS, rfc3339

_TALKATIVE = ("httpx", "httpcore", "alembic", "asyncio", "uvicorn", "slack_sdk", "mail.log")


class LogFormat(StrEnum):
    """How a log record is written."""

    TEXT = "text"
    JSON = "json"


class LogRedaction(SecretMask):
    """The secrets that the log of a process must not show."""


REDACTION = LogRedaction()
"""The secrets of this process: the configuration registers what it reads."""


class _Formatter(logging.Formatter, ABC):
    """Masks secrets in the message and in the traceback."""

    def __init__(self, redaction: LogRedaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        trace = None
        if record.exc_info and record.exc_info[0] is not None:
            trace = self._redaction.clean(self.formatException(record.exc_info))
        return self._line(record, self._redaction.clean(record.getMessage()), trace)

    @abstractmethod
    def _line(self, record: logging.LogRecord, message: str, trace: str | None) -> str:
        """The record as it is written."""


def _instant(record: logging.LogRecord) -> str:
    return rfc3339(round(record.created * SECOND_MS))


class TextFormatter(_Formatter):
    """`2026-11-22T00:51:14.391Z WARNING collector.service: …`; a traceback follows indented."""

    def _line(self, record: logging.LogRecord, message: str, trace: str | None) -> str:
        text = plain_lines(message if trace is None else f"{message}\n{trace}").replace("\n", "\n  ")
        return f"{_instant(record)} {record.levelname:<7} {record.name}: {text}"


class JsonFormatter(_Formatter):
    """One JSON object a record: at, level, logger, process, message, and trace where there is one."""

    def _line(self, record: logging.LogRecord, message: str, trace: str | None) -> str:
        entry: dict[str, str | int] = {
            "at": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process or 0,
            "message": message,
        }
        if trace is not None:
            entry["trace"] = trace
        return plain_json(json.dumps(entry, ensure_ascii=False))


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at the time: while a bar is shown that goes through the bar."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error of now."""
        return sys.stderr


def set_up_logging(
    form: LogFormat = LogFormat.TEXT,
    *,
    verbose: bool = False,
    stream: TextIO | None = None,
    redaction: LogRedaction = REDACTION,
) -> None:
    """Write the log of this process to `stream`, standard error unless told otherwise.

    `verbose` lets debug records through. Replaces what was set up before.
    """
    handler = _StandardError() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter((JsonFormatter if form is LogFormat.JSON else TextFormatter)(redaction))
    root = logging.getLogger()
    for former in list(root.handlers):
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.WARNING)
    logging.captureWarnings(True)
