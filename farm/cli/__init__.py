"""The command line: `layerline COMMAND`, one file per family of commands.

Exit status: 0 done, 1 failed, 2 wrong usage or wrong configuration.
"""

import errno
import os
import sys
from pathlib import Path
from typing import Final

OK = 0
FAILED = 1
WRONG_USE = 2
_NAME = "layerline: "
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def main() -> int:
    """Run the command line; gives the exit status."""
    from farm.app.process_life import end_with_parent
    from farm.cli.root import app
    from farm.errors import ConfigurationError, InvalidQuery, LayerlineError

    _settle_streams()
    try:
        end_with_parent()
        app()
    except (ConfigurationError, InvalidQuery) as error:
        return _complain(error, WRONG_USE)
    except LayerlineError as error:
        return _complain(error, FAILED)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _fault(error)
        return _complain(RuntimeError(f"cannot write: {error.strerror}"), FAILED)
    except Exception as error:  # noqa: BLE001  the program's edge: a fault of ours is shown whole, but for secrets
        return _fault(error)
    return OK


def _settle_streams() -> None:
    """Whoever closed our output gets none of it; signs that it cannot hold are written out."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _fault(error: Exception) -> int:
    import traceback

    from farm.app.logs import REDACTION

    sys.stderr.write(REDACTION.clean(traceback.format_exc()))
    return _complain(RuntimeError(f"ended by a fault of its own: {error!r}"), FAILED)


def _complain(error: Exception, status: int) -> int:
    from farm.app.logs import REDACTION
    from farm.cli.output import between_words
    from farm.model.terminal_text import plain_lines

    first, *more = plain_lines(REDACTION.clean(str(error))).splitlines() or [type(error).__name__]
    lines = [f"{_NAME}{first}", *(f"{' ' * len(_NAME)}{line}" for line in more)]
    if sys.stderr.isatty():
        lines = [piece for line in lines for piece in between_words(line, len(_NAME))]
    sys.stderr.write("\n".join(lines) + "\n")
    return status
