"""Simulated time, in band: each message carries the moment of its run inside its topic.

A feeder publishes a printer's message under `layerline/simulated/{t_ms}/{r or -}/{topic}`.
Nothing but a collector started with `--simulated-time` subscribes there, so real and
simulated messages can share a broker and never meet. The time travels with the message
itself: duplicates, re-deliveries and several feeders need no agreement on a clock.
"""

PREFIX = "layerline/simulated/"
SUBSCRIPTION = PREFIX + "#"


def simulated_topic(at_ms: int, retained: bool, topic: str) -> str:
    """The topic that carries `topic` at the simulated instant `at_ms` (ms since 1970)."""
    return f"{PREFIX}{at_ms}/{'r' if retained else '-'}/{topic}"


def split_simulated_topic(topic: str) -> tuple[int, bool, str]:
    """Instant (ms), retain flag and original topic. Raises ValueError for any other topic."""
    if not topic.startswith(PREFIX):
        raise ValueError(f"{topic!r} is not below {PREFIX}")
    at, flag, original = topic[len(PREFIX) :].split("/", 2)
    return int(at), flag == "r", original
