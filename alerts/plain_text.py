"""A notification as plain text, for receivers that know no other: pure, and within their limits."""

from collections.abc import Callable, Iterator

from alerts import wording
from alerts.notification import Notification

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

    What comes first matters most. Prints, and alerts of several, for which there is no room are
    counted, and where anything was left out or cut the text says so. `limit` has to be 1,000 or more.
    """
    whole = "\n".join(_head(notification))
    foot = [*_link(notification), "", _origin(notification, delivery_id)]
    room = limit - size("\n".join([_SHORTENED, *foot])) - 1
    head = wording.clipped(whole, room, size)
    parts = notification.bundled or notification.prints
    told = _fitting(notification, room - size(head), size)
    left_out = notification.earlier_prints + len(parts) - len(told)
    is_short = head != whole or len(told) < len(parts)
    more = [f"and {left_out} {'more' if notification.bundled else 'earlier'}"] if left_out and told else []
    lines = [*([head] if head else []), *told, *more, *([_SHORTENED] if is_short else []), *foot]
    return "\n".join(lines)


def _head(notification: Notification) -> list[str]:
    if notification.bundled:
        return []
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
    """The first parts, as many as there is room for with the line that counts the others."""
    fitting = []
    room -= size("\nand 1,000,000 earlier")
    for block in _blocks(notification):
        room -= size(f"\n{block}")
        if room < 0:
            break
        fitting.append(block)
    return fitting


def _blocks(notification: Notification) -> Iterator[str]:
    """Each alert, where it is about several, else each print."""
    for alert in notification.bundled:
        yield wording.clipped(wording.bundled_line(alert), _LONGEST_LINE)
    for each in notification.prints:
        facts = [wording.outcome(each), wording.reason(each), f"printed {wording.duration(each.printing_ms)}"]
        lines = [
            ", ".join(fact for fact in facts if fact),
            wording.file_name(each),
            wording.detail(each),
            wording.local_period(each, notification.time_zone),
        ]
        yield "\n".join(["", *(wording.clipped(line, _LONGEST_LINE) for line in lines if line)])
