"""Room for many connections in one process."""

import sys

if sys.platform != "win32":
    import resource

_WANTED = 65_536


def allow_open_files() -> None:
    """Raise this process's limit of open files, which its children inherit, as far as the system lets it."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
