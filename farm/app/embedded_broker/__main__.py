"""The process of the embedded broker.

    python -P -m farm.app.embedded_broker FOLDER SETTINGS [text|json]

runs the broker that the settings (`[embedded_broker]`, as JSON) ask for, with the data folder FOLDER,
until it is ended, and logs in that format.
"""

import logging
import sys
from pathlib import Path
from threading import Event

from farm.app.data_folder import DataFolder
from farm.app.embedded_broker.built_in import run_built_in
from farm.app.embedded_broker.choice import COST, choose_broker
from farm.app.embedded_broker.mosquitto import run_mosquitto
from farm.app.embedded_broker.settings import BrokerKind, EmbeddedBrokerSettings
from farm.app.embedded_broker.status import StatusKeeper
from farm.app.logs import REDACTION, LogFormat, set_up_logging
from farm.app.open_files import allow_open_files
from farm.app.process_life import end_with_parent, stop_event
from farm.errors import LayerlineError, StartError

log = logging.getLogger("farm.app.embedded_broker")


def run_broker(settings: EmbeddedBrokerSettings, folder: DataFolder, stop: Event) -> None:
    """Run the broker until `stop` is set or SIGTERM comes. Raises OSError, RuntimeError or LayerlineError."""
    credentials = folder.make_credentials()
    REDACTION.register(credentials.password)
    status = StatusKeeper(folder)
    choice = choose_broker(settings.kind)
    why = choice.why_built_in
    if choice.mosquitto is not None:
        log.info("starting %s", choice.mosquitto.name)
        try:
            run_mosquitto(choice.mosquitto, settings, folder, credentials, status, stop)
        except StartError as error:
            if settings.kind is BrokerKind.MOSQUITTO:
                raise
            why = str(error)
        else:
            return
    log.log(logging.INFO if settings.kind is BrokerKind.BUILT_IN else logging.WARNING,
            "the built-in broker runs, because %s: %s", why, COST)  # fmt: skip
    if not stop.is_set():
        run_built_in(settings, folder, credentials, status, why, stop)


def main() -> int:
    """Run as a child process; see the module's text."""
    folder, wanted, *more = sys.argv[1:]
    set_up_logging(LogFormat(more[0]) if more else LogFormat.TEXT)
    end_with_parent()
    stop = stop_event()
    allow_open_files()
    try:
        settings = EmbeddedBrokerSettings.model_validate_json(wanted)
        run_broker(settings, DataFolder(Path(folder)), stop)
    except (OSError, RuntimeError, ValueError, LayerlineError) as error:
        raise SystemExit(f"the embedded broker cannot run: {error}") from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
