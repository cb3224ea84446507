"""The recordings that the project keeps, each with what is to be made of it."""

import json
from pathlib import Path
from typing import Any

from collector.settings import SourceSettings, parse_source
from farm.model.recording import RecordedMessage, read_recording

FOLDER = Path(__file__).parent / "recordings"
RECORDINGS = sorted(FOLDER.glob("*/*.mqtt.jsonl"))


def recording_id(path: Path) -> str:
    return f"{path.parent.name}/{path.name.removesuffix('.mqtt.jsonl')}"


def expected(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        path.with_name(path.name.replace(".mqtt.jsonl", ".expected.json")).read_text()
    )
    return found


def messages(path: Path) -> list[RecordedMessage]:
    return list(read_recording(path))


def sources(path: Path) -> list[SourceSettings]:
    return [parse_source(text) for text in expected(path)["sources"]]
