"""A notification as plain text, for receivers that know no other: pure, and within their limits."""

from collections.abc import Callable, Iterator, Sequence

from alerts import wording
from alerts.notification import Notification, Print

_LONGEST_LINE = 700
"""UTF-16 units of one sentence or name: the message has to say more than that one."""
LONGEST_LINK = 300
"""Bytes of an address that is told."""
_SHORTENED = "This message is shortened; the page shows all of it."


def plain_text(
    notification: Notification,
    delivery_id: str,
    limit: int,
    size: Callable[[str], int] = wording.units,
) -> str:
    """All but the headline, in lines, at most `limit` long as `size` counts (UTF-16 units).

    What comes first matters most. Prints for which there is no room are counted, and where
    anything was left out or cut the text says so. `limit` has to be 1,000 or more.
    """
    whole = "\n".join(_head(notification))
    foot = [*_link(notification), "", _origin(notification, delivery_id)]
    room = limit - size("\n".join([_SHORTENED, *foot])) - 1
    head = wording.clipped(whole, room, size)
    prints = _fitting(notification, room - size(head), size)
    left_out = notification.earlier_prints + len(notification.prints) - len(prints)
    is_short = head != whole or len(prints) < len(notification.prints)
    more = [f"and {left_out} earlier"] if left_out and prints else []
    return "\n".join([head, *prints, *more, *([_SHORTENED] if is_short else []), *foot])


def _head(notification: Notification) -> list[str]:
    who = wording.one_line(notification.printer or "") or "the farm"
    labels = wording.printer_labels(notification)
    lines = [f"Printer: {who}" + (f" ({labels})" if labels else "")]
    lines += [wording.one_line(words) for words in (notification.resolution, notification.summary) if words]
    return [wording.clipped(line, _LONGEST_LINE) for line in lines]


def _link(notification: Notification) -> list[str]:
    """The page's address, unless it is so long that the message would hold nothing else."""
    url = notification.url
    return ["", url] if url and wording.utf8_bytes(url) <= LONGEST_LINK else []


def _origin(notification: Notification, delivery_id: str) -> str:
    since = wording.local_time(notification.fired_ms, notification.time_zone)
    return f"Layerline, rule {notification.rule}, since {since}, message {delivery_id}"


def _fitting(notification: Notification, room: int, size: Callable[[str], int]) -> list[str]:
    """The newest prints, as many as there is room for with the line that counts the others."""
    fitting = []
    room -= size("\nand 1,000,000 earlier")
    for block in _blocks(notification.prints, notification.time_zone):
        room -= size(f"\n{block}")
        if room < 0:
            break
        fitting.append(block)
    return fitting


def _blocks(prints: Sequence[Print], time_zone: str) -> Iterator[str]:
    for each in prints:
        facts = [wording.outcome(each), wording.reason(each), f"printed {wording.duration(each.printing_ms)}"]
        lines = [
            ", ".join(fact for fact in facts if fact),
            wording.file_name(each),
            wording.detail(each),
            wording.local_period(each, time_zone),
        ]
        yield "\n".join(["", *(wording.clipped(line, _LONGEST_LINE) for line in lines if line)])
