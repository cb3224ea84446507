"""`layerline replay` and `layerline record`: what a broker carried, into figures or into a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from farm.app.cli.opening import open_configuration, source_flags
from farm.app.cli.options import ConfigOption, JsonOption, SourceOption, VerboseOption
from farm.app.cli.output import print_json, print_table, span_text

if TYPE_CHECKING:
    from collector.replay import Replayed
    from collector.settings import SourceSettings

REPLAY_EXAMPLES = """
layerline replay farm.mqtt.jsonl
layerline replay *.mqtt.jsonl --source octoprint:bay1=octoPrint --json
"""


def replay(
    files: Annotated[
        list[Path],
        Argument(metavar="FILE...", help="Recordings: JSON lines with t, topic, payload, qos, retain."),
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
    for one in replayed:
        _show(one)


def _replay_all(files: list[Path], sources: "tuple[SourceSettings, ...]") -> list["Replayed"]:
    """Every file in turn, with a bar where somebody is watching."""
    from rich.console import Console
    from rich.progress import Progress

    from collector.replay import replay_file
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


def _show(one: "Replayed") -> None:
    ignored = ", ".join(f"{count} × {reason}" for reason, count in one.ignored.items())
    title = f"{one.recording}: {one.messages} messages{f', ignored {ignored}' if ignored else ''}"
    job_rows = [
        [
            one.printers[job.printer_id],
            job.file or "–",
            job.outcome or "under way",
            " ".join(filter(None, [job.cause, job.cancelled_by and f"by {job.cancelled_by}"])) or "–",
            span_text(job.printing_ms) if job.printing_ms or job.outcome else "–",
            span_text(job.paused_ms) if job.paused_ms else "–",
        ]
        for job in one.jobs
    ]
    print_table(
        ["printer", "file", "outcome", "why", "printing", "paused"],
        job_rows,
        title=title,
        right=["printing", "paused"],
    )
    hours: dict[tuple[str, str], int] = {}
    for span in one.spans:
        key = (one.printers[span.printer_id], span.state.value)
        hours[key] = hours.get(key, 0) + (span.to_ms or one.until_ms) - span.from_ms
    hour_rows = [[printer, state, span_text(passed)] for (printer, state), passed in sorted(hours.items())]
    print_table(["printer", "state", "for"], hour_rows, right=["for"])
