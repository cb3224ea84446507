"""File descriptors: room for every connection that is allowed, and less connections where there is none."""

import logging
import sys
from typing import Final

if sys.platform != "win32":
    import resource

from api.connections import ACCEPTED_AT_ONCE

log = logging.getLogger(__name__)

RESERVED: Final = 128 + 2 * ACCEPTED_AT_ONCE
"""Descriptors for the ledger, the log and the like, and for connections before they are counted."""
LEAST: Final = 16


def room_for(connections: int) -> int:
    """How many of these connections this process can have, after its limit was raised as far as it goes.

    Without a descriptor for it the server can take no connection, nor turn one away.
    """
    if sys.platform == "win32":
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections
    wanted = connections + RESERVED
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    room = max(LEAST, min(connections, soft - RESERVED))
    if room < connections:
        log.warning(
            "only %d connections at a time instead of %d (api.max_connections), since this process may open "
            "%d files; allow it %d, for example with `ulimit -n` or LimitNOFILE",
            room,
            connections,
            soft,
            wanted,
        )
    return room
