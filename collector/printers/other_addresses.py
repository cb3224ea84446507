"""What one address says of its printer while the printer speaks under another one as well."""

import msgspec

from collector.printers.tracked import TrackedPrinter
from collector.sessions.session import PrinterSession
from farm.model.observation import Link, Observation
from farm.model.states import PrinterState


def beside_others(
    printer: TrackedPrinter, session: PrinterSession, at: int, seen: Observation
) -> Observation | None:
    """What an observation says of a printer that speaks under another address as well.

    That one way to it broke, or stands anew, says nothing then. None where nothing is left.
    """
    if not any(other is not session and other.is_speaking(at) for other in printer.sessions):
        return seen
    if seen.link is printer.tracker.link or seen.link is Link.OFFLINE:
        seen = msgspec.structs.replace(seen, link=None)
    if seen.state is PrinterState.OFFLINE:
        seen = msgspec.structs.replace(seen, state=None)
    says_something = seen.state or seen.signal or seen.link or seen.history
    return seen if says_something else None
