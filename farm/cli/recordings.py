"""`layerline replay` and `layerline record`: what a broker carried, into figures or into a file."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from farm.cli.jobs import printed, why
from farm.cli.opening import open_configuration, source_flags
from farm.cli.options import (
    BrokerOption,
    ConfigOption,
    DataOption,
    JsonOption,
    SourceOption,
    VerboseOption,
    flag,
)
from farm.cli.output import counted, print_json, print_line
from farm.cli.times import span_text
from farm.model.terminal_text import plain
from farm.tables import NOTHING, Column, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from collector.playback import PlayedRecording
    from collector.redaction import RecordingRedaction
    from collector.settings import SourceSettings

REPLAY_EXAMPLES = """
layerline replay farm.mqtt.jsonl
layerline replay *.mqtt.jsonl --source octoprint:bay1=octoPrint --json
"""

RECORD_EXAMPLES = """
layerline record farm.mqtt.jsonl                  until Ctrl-C
layerline record bay1.mqtt.jsonl --topic 'octoPrint/bay1/#' --seconds 600
layerline record farm.mqtt.jsonl --broker mqtt://broker.local:1883
layerline record mine.mqtt.jsonl --everything     secrets included
"""


def replay(
    files: Annotated[
        list[Path],
        Argument(metavar="FILE", help="Recordings: JSON lines with t, topic, payload, qos, retain."),
    ],
    source: SourceOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Put recordings through the same pipeline as live messages, and show jobs and hours.

    Nothing is written anywhere. With --json an array with one object a file: recording,
    messages, ignored, jobs, spans; a job still under way at the end has outcome null.
    """
    configuration = open_configuration(config, None, *source_flags(source), verbose=verbose)
    replayed = _replay_all(files, configuration.sources)
    if as_json:
        print_json([one.as_json() for one in replayed])
        return
    for at, one in enumerate(replayed):
        if at:
            print_line("")
        _show(one)


def record(
    file: Annotated[
        Path, Argument(metavar="FILE", help="Where to write: JSON lines with t, topic, payload, qos, retain.")
    ],
    topic: Annotated[
        list[str] | None,
        Option("--topic", metavar="FILTER", help="MQTT topic filter, repeatable; else everything (#)."),
    ] = None,
    seconds: Annotated[
        float | None, Option("--seconds", metavar="N", min=0.1, help="End by itself after so long.")
    ] = None,
    everything: Annotated[
        bool, Option("--everything", help="Every message as it is, secrets included: for your own eyes.")
    ] = False,
    broker: BrokerOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write down what printers publish, to be replayed or sent to us.

    Only what Layerline itself reads of a message is kept; other topics and fields are left out and
    counted. Within texts, secrets are blanked, people get numbers and addresses become 0.0.0.0.
    What Layerline publishes itself is no part of it. With --json one object: file, messages, left_out,
    fields_left_out.

    Look through the file all the same before you hand it on: file names stay in it.
    """
    from rich.console import Console

    from collector.intake.sources import SourceTable
    from collector.record import record as write_down
    from collector.redaction import RecordingRedaction
    from farm.app.process_life import stop_event
    from farm.errors import RecordingError

    configuration = open_configuration(
        config, data, flag("--broker", broker, "broker", "url"), verbose=verbose
    )
    if os.path.exists(file):  # noqa: PTH110  Path.exists raises for a folder that is closed to us
        raise RecordingError(f"{file}: is there already; record into a new file")
    console = Console(stderr=True)
    redaction = None if everything else RecordingRedaction(SourceTable(configuration.sources))
    with console.status("Recording …") as status:
        try:
            count = write_down(
                configuration.broker,
                file,
                topics=topic or ("#",),
                seconds=seconds,
                stop=stop_event(),
                on_message=lambda count: status.update(f"Recording … {counted(count, 'message')}"),
                redaction=redaction,
            )
        except OSError as error:
            raise RecordingError(f"{file}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json(
            {
                "file": str(file),
                "messages": count,
                "left_out": 0 if redaction is None else redaction.left_out,
                "fields_left_out": [] if redaction is None else sorted(redaction.fields_left_out),
            }
        )
        return
    console.print(plain(f"{counted(count, 'message')} in {file}."), markup=False)
    if redaction is None:
        console.print("Nothing was left out: passwords and names may be in it. Do not send it to anybody.")
    else:
        _tell_what_was_left_out(console, redaction)


def _tell_what_was_left_out(console: "Console", redaction: "RecordingRedaction") -> None:
    fields = ", ".join(sorted(redaction.fields_left_out)) or "none"
    left_out = counted(redaction.left_out, "message")
    said = f"Left out: {left_out} that no adapter reads; fields: {fields}."
    console.print(plain(said), markup=False)


def _replay_all(files: list[Path], sources: "tuple[SourceSettings, ...]") -> list["PlayedRecording"]:
    """Every file in turn, with a bar where somebody is watching."""
    from rich.console import Console
    from rich.progress import Progress

    from collector.playback import replay_file
    from farm.errors import RecordingError

    replayed = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for path in files:
            try:
                lines = path.read_bytes().count(b"\n")
            except OSError as error:
                raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
            task = progress.add_task(path.name, total=lines)
            replayed.append(replay_file(path, sources, on_message=lambda task=task: progress.advance(task)))  # type: ignore[misc]
    return replayed


_JOBS = (
    Column("printer", name=True),
    Column("file", name=True),
    Column("outcome"),
    Column("printed", right=True),
    Column("why", name=True),
    Column("paused", right=True),
)
_HOURS = (Column("printer", name=True), Column("state"), Column("for", right=True))


def _show(one: "PlayedRecording") -> None:
    ignored = ", ".join(f"{count} × {reason}" for reason, count in one.ignored.items())
    title = f"{one.recording}: {counted(one.messages, 'message')}{f', ignored {ignored}' if ignored else ''}"
    if not one.printers:
        print_line(title)
        print_line(
            "No printer is in it. Where its topics are no usual ones, say with --source who reads them."
        )
        return
    job_rows = [
        [
            one.printers[job.printer_id],
            job.file or NOTHING,
            job.outcome or "under way",
            printed(job),
            why(job) or NOTHING,
            span_text(job.paused_ms) if job.paused_ms else NOTHING,
        ]
        for job in one.jobs
    ]
    print_table(_JOBS, job_rows, title=title)
    hours: dict[tuple[str, str], int] = {}
    for span in one.spans:
        key = (one.printers[span.printer_id], span.state.value)
        hours[key] = hours.get(key, 0) + (span.to_ms or one.until_ms) - span.from_ms
    print_line("")
    print_table(_HOURS, [[*key, span_text(passed)] for key, passed in sorted(hours.items())])
