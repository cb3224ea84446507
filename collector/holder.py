"""By what name a process holds a shard, and whether the process of such a name still lives."""

import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path

_HOST_LENGTH = 24
_REALM_LENGTH = 12


def this_process() -> str:
    """`host/process id/start/realm`, at most 64 characters.

    The realm is the running system (its boot and its space of process ids), within which a
    process id means something; the start tells a process from a later one of the same id.
    """
    pid = os.getpid()
    host = socket.gethostname().replace("/", "-")[:_HOST_LENGTH]
    return f"{host}/{pid}/{_start_of(pid)}/{_realm()}"


def is_dead(holder: str) -> bool:
    """Whether that process is known to have ended. False also where nothing can be known of it."""
    parts = holder.split("/")
    if len(parts) != 4 or parts[3] != _realm() or not parts[1].isascii() or not parts[1].isdigit():
        return False
    pid, start = int(parts[1]), parts[2]
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # it is there, and not ours
        pass
    return bool(start) and _start_of(pid) not in ("", start)


def _realm() -> str:
    """A short name for what process ids are valid in; empty where the system does not tell."""
    told = [socket.gethostname()]
    with suppress(OSError):
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
    with suppress(OSError):
        told.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:_REALM_LENGTH]


def _start_of(pid: int) -> str:
    """When the process started, in ticks since the boot; empty where that cannot be known."""
    with suppress(OSError, IndexError):
        # The second field is the program's name in brackets and may hold anything.
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    return ""
