"""Keeping the read model in a file, so that it need not be made from every row at each start.

The file is a cache: it may be deleted at any time, and one that does not fit is passed over.
"""

import logging
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from farm.figures.first_attempts import AttemptFacts
from farm.figures.inspections import InspectedJob
from farm.figures.job_rows import JobColumns
from farm.figures.state_changes import ChangeColumns
from farm.kpi.intervals import Interval

log = logging.getLogger(__name__)

_FORM: Final = 8
"""Raised whenever the columns or what they mean change."""


_UNREADABLE: Final = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,  # zipfile's for ways of packing that it does not know, and for passwords
    zlib.error,
    zipfile.BadZipFile,
    msgspec.MsgspecError,
)


class FeedMark(NamedTuple):
    """The entry of the feed up to which a model holds everything, by what tells it from others."""

    seq: int
    words: str


class Kept(NamedTuple):
    """A read model: its mark, the ids of its printers and planned work by number, its texts and columns.

    `inspected` are the jobs that people looked at, by id. `attempts` is which jobs were first attempts, found
    with `reprint_within_ms`.
    """

    mark: FeedMark
    printer_ids: list[str]
    work: dict[int, list[Interval]]
    texts: dict[str, list[str]]
    changes: ChangeColumns
    jobs: JobColumns
    inspected: Mapping[str, InspectedJob]
    attempts: AttemptFacts
    reprint_within_ms: int


class _Head(msgspec.Struct):
    form: int
    mark: FeedMark
    printer_ids: list[str]
    work: dict[int, list[Interval]]
    texts: dict[str, list[str]]
    inspected: list[str]
    reprint_within_ms: int


class Keeping:
    """One file that holds a read model."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Kept | None:
        """The model as it was kept last, None where there is none that can be read."""
        try:
            with zipfile.ZipFile(self.path) as file:
                head = msgspec.json.decode(_array(file, "head").tobytes(), type=_Head)
                if head.form != _FORM:
                    return None
                changes = ChangeColumns(*(_array(file, f"change_{name}") for name in ChangeColumns._fields))
                jobs = JobColumns.by_name({name: _array(file, f"job_{name}") for name in JobColumns.names()})
                attempts = AttemptFacts(*(_array(file, f"attempt_{name}") for name in AttemptFacts._fields))
                found = map(InspectedJob._make, _array(file, "inspected").tolist())
                inspected = dict(zip(head.inspected, found, strict=True))
        except FileNotFoundError:
            return None
        except _UNREADABLE as error:
            log.info("%s is passed over, and the figures are made from the ledger: %s", self.path, error)
            return None
        return Kept(
            head.mark,
            head.printer_ids,
            head.work,
            head.texts,
            changes,
            jobs,
            inspected,
            attempts,
            head.reprint_within_ms,
        )

    def save(self, kept: Kept) -> None:
        """Keep the model in place of the one before; where it cannot be written that is told, and no more."""
        words = kept.mark, kept.printer_ids, kept.work, kept.texts, list(kept.inspected)
        head = msgspec.json.encode(_Head(_FORM, *words, kept.reprint_within_ms))
        columns: dict[str, NDArray[Any]] = {"head": np.frombuffer(head, dtype=np.uint8)}
        columns |= {f"change_{name}": column for name, column in kept.changes._asdict().items()}
        columns |= {f"job_{name}": column for name, column in kept.jobs.columns().items()}
        columns |= {f"attempt_{name}": column for name, column in kept.attempts._asdict().items()}
        inspected = np.array(list(kept.inspected.values()), dtype=np.int64)
        columns["inspected"] = inspected.reshape(-1, len(InspectedJob._fields))
        try:
            with self._replacing() as file:
                np.savez(file, **columns)  # type: ignore[arg-type]  # the stubs take no columns by name
        except OSError as error:
            log.info("the figures cannot be kept in %s: %s", self.path, error.strerror or error)

    @contextmanager
    def _replacing(self) -> Iterator[Any]:
        """A new file, ours alone, that takes the place of the old one when it is whole."""
        with NamedTemporaryFile(dir=self.path.parent, prefix=f"{self.path.name}.", delete=False) as file:
            try:
                yield file
                file.close()
                Path(file.name).replace(self.path)
            except BaseException:
                with suppress(OSError):
                    Path(file.name).unlink()
                raise


def _array(file: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """The array of that name. Raises ValueError where its header tells of less than there is.

    Only what is read to its end is held against its sum, and numpy stops short of that there.
    """
    with file.open(f"{name}.npy") as member:
        found: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):
            raise ValueError(f"{name} is longer than it says")
    return found
