"""What the tracker is told."""

import msgspec

from farm.model.observation import Observation
from farm.model.operator_input import CloseJob, CorrectJob, DescribeJob, NoteJob, SetState


class Silence(msgspec.Struct, frozen=True, tag="silence"):
    """Nothing was heard since the input's time; what the printer did since is not known."""


class SignOfLife(msgspec.Struct, frozen=True, tag="sign_of_life", omit_defaults=True):
    """The printer was heard again after silence, over a link that stood, and told nothing new.

    It was heard from the input's time to `within_ms` later.
    """

    within_ms: int = 0


class ContinuityLost(msgspec.Struct, frozen=True, tag="continuity_lost", omit_defaults=True):
    """We, or the broker, were away from the input's time until `until_ms`.

    For no longer than `limit_ms` the state before stands until evidence says otherwise.
    """

    until_ms: int
    limit_ms: int = 0


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """The end that was waited for did not come."""


class Observed(msgspec.Struct, frozen=True, tag="observed", omit_defaults=True):
    """A reading; `heard_ms` is when the printer was last heard before it.

    `teller` is the address that it was heard under, where the printer has several. Where it tells
    of a link that was made anew, `limit_ms` is how long the state before may stand unheard.
    `shared` says that two printers publish there, so that it may be the other's. Of what waited in a
    queue nobody knows more than that it happened from the input's time to `within_ms` later; of a
    reading that `is_undated`, only that it is not from before the input's time.
    """

    observation: Observation
    heard_ms: int
    teller: str = ""
    limit_ms: int = 0
    shared: bool = False
    within_ms: int = 0
    is_undated: bool = False


class LinkGone(msgspec.Struct, frozen=True, tag="link_gone"):
    """The link of which an undated reading told that it is gone was gone by the input's time."""


TrackerWord = SetState | CorrectJob | CloseJob | DescribeJob | NoteJob
"""The words of a person that bear on a printer's state or on its jobs."""


class Said(msgspec.Struct, frozen=True, tag="said", kw_only=True):
    """A person's word: who said it, when (milliseconds), of which job, and why.

    The input's own time is when it holds from.
    """

    who: str
    said_ms: int
    job_id: str | None = None
    word: TrackerWord
    why: str = ""


TrackerInput = Observed | LinkGone | Silence | SignOfLife | ContinuityLost | Settled | Said
