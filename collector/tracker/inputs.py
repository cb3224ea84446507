"""What the tracker is told."""

import msgspec

from farm.model.observation import Observation


class Silence(msgspec.Struct, frozen=True, tag="silence"):
    """Nothing was heard since the input's time; what the printer did since is not known."""


class SignOfLife(msgspec.Struct, frozen=True, tag="sign_of_life"):
    """The printer was heard again after silence, over a link that stood, and told nothing new."""


class ContinuityLost(msgspec.Struct, frozen=True, tag="continuity_lost"):
    """We, or the broker, were away from the input's time until `until_ms`."""

    until_ms: int


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """The end that was waited for did not come."""


class Observed(msgspec.Struct, frozen=True, tag="observed"):
    """A reading; `heard_ms` is when the printer was last heard before it."""

    observation: Observation
    heard_ms: int


TrackerInput = Observed | Silence | SignOfLife | ContinuityLost | Settled
