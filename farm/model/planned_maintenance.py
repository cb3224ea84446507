"""Maintenance that was planned: from when until when, and of what."""

import msgspec


class PlannedMaintenance(msgspec.Struct, frozen=True, kw_only=True):
    """Planned work from `from_ms` until `to_ms`, for which printers need not be available.

    On one printer, on a group, or on the whole farm where neither is named. `planned_ms` is when
    `who` planned it, `withdrawn_ms` when it was taken back, so that it counts for no time.
    """

    id: int = 0
    printer_id: str | None = None
    group: str | None = None
    from_ms: int
    to_ms: int
    planned_ms: int
    who: str
    why: str = ""
    withdrawn_ms: int | None = None

    def is_about(self, printer_id: str, group: str | None) -> bool:
        """Whether it is work on the printer of this id, which is in this group."""
        if self.printer_id is not None:
            return self.printer_id == printer_id
        return self.group is None or self.group == group
