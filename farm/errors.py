"""Every error that Layerline raises on purpose.

LayerlineError
├── ConfigurationError   a setting is wrong; names file, key, value and what is allowed
├── LedgerError          the ledger cannot be used as asked
│   ├── LedgerUnreachable  it does not answer now; trying again can help
│   ├── BatchRefused     it will not hold what a batch says; trying again cannot help
│   └── LeaseLost        another holder has taken over this shard
├── BrokerUnreachable    the MQTT broker does not answer now; trying again can help
├── BrokerRefused        the MQTT broker will not have us until it or we are mended; names the remedy
├── UnreadableMessage    an adapter cannot make sense of a message (counted, never fatal)
├── InvalidQuery         what was asked for does not exist; names what is allowed (a ValueError too)
│   └── InvalidInput       what a person said cannot be taken; names field, value and remedy
│       └── InputConflict    it contradicts what stands; right in itself, and perhaps right at another time
├── RecordingError       a recording file is not in the documented format
├── TruthError           a simulation's ledger of truth is not in the documented format
├── InfluxError          InfluxDB did not do what it was asked; `status` is its HTTP status, if it answered
├── StartError           a process or connection of ours could not be started
└── DeliveryError        a notifier could not deliver; `permanent` says whether trying again can help
"""

_LONGEST_SHOWN = 200


class LayerlineError(Exception):
    """The root of all errors raised on purpose."""


class ConfigurationError(LayerlineError):
    """A setting is wrong. The text names the file, the key, the value and the remedy."""


class LedgerError(LayerlineError):
    """The ledger cannot be used as asked: wrong kind of time, schema too new, not reachable."""


class LedgerUnreachable(LedgerError):
    """The ledger does not answer now: down, locked, disk full. Trying again can help.

    What a commit that ends so had booked is not known: read the checkpoints again before
    going on.
    """


class LedgerDamaged(LedgerUnreachable):
    """What the ledger held cannot be read any more: a page, a file, a table. A backup put back helps.

    `damage` is what the database says of it.
    """

    def __init__(self, where: str, damage: str) -> None:
        super().__init__(f"the ledger {where} is damaged: {damage}; put the last backup back")
        self.damage = damage


class BatchRefused(LedgerError):
    """Something in a batch is what the ledger cannot hold. Nothing of the batch was booked."""


class LeaseLost(LedgerError):
    """Another collector holds this shard now; nothing more may be committed."""


class BrokerUnreachable(LayerlineError):
    """The MQTT broker does not answer now. Trying again can help."""


class BrokerRefused(LayerlineError):
    """The MQTT broker refuses us until something is mended, there or here. The text names the remedy."""


class UnreadableMessage(LayerlineError):
    """A message that an adapter cannot read. `reason` is one of a small fixed set of words."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class InvalidQuery(LayerlineError, ValueError):
    """What was asked for does not exist: a window, an indicator. The text names what is allowed."""


class InvalidInput(InvalidQuery):
    """A value that somebody handed in cannot be taken: `field` is at fault, `remedy` says why."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        shown = str(value)
        shown = shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "..."
        super().__init__(f"{field}: {shown!r} cannot be taken: {remedy}")
        self.field = field
        self.value = shown
        self.remedy = remedy


class InputConflict(InvalidInput):
    """What a person said contradicts what stands in the ledger now."""


class RecordingError(LayerlineError):
    """A recording is not in the documented format. The text names file and line."""


class StartError(LayerlineError):
    """A process of ours could not be started. `status` is its exit status, where it ended by itself."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TruthError(LayerlineError):
    """A ledger of truth is not in the documented format, or was cut off. Names file and line."""


class InfluxError(LayerlineError):
    """InfluxDB did not do what it was asked. The text holds its words, `status` its HTTP status."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class DeliveryError(LayerlineError):
    """A receiver did not take a message. `permanent` means that trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
