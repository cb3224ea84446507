"""Plays the stories of real printers against `layerline up`.

python -m tests.real [--mqtt-plugin FOLDER] [--record FOLDER] [STORY ...]
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.real import moonraker_stories, octoprint_stories, programs
from tests.real.stage import Stage

STORIES = (*octoprint_stories.STORIES, *moonraker_stories.STORIES)


def main() -> int:
    """Play what is asked for; how many stories did not come out as they must."""
    asked = _arguments()
    stories = [story for story in STORIES if not asked.stories or story.__name__ in asked.stories]
    needs_octoprint = any(story in octoprint_stories.STORIES for story in stories)
    needs_moonraker = any(story in moonraker_stories.STORIES for story in stories)
    octoprint = programs.octoprint(asked.cache, asked.mqtt_plugin) if needs_octoprint else Path()
    moonraker = programs.moonraker(asked.cache) if needs_moonraker else Path()
    with tempfile.TemporaryDirectory(prefix="layerline-real-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder), octoprint, moonraker)
        try:
            stage.farm.start()
            return sum(not _play(story, stage, asked.record) for story in stories)
        finally:
            stage.close()


def _play(story: Callable[[Stage], None], stage: Stage, record: Path | None) -> bool:
    """Play one story and tell how it came out."""
    began = time.monotonic()
    if record is not None:
        record.mkdir(parents=True, exist_ok=True)
        stage.farm.record((record / f"{story.__name__}.mqtt.jsonl").absolute())
    try:
        story(stage)
    except Exception as error:  # noqa: BLE001  one story that fails must not keep the others from being played
        print(f"FAILED {story.__name__}: {error}", flush=True)
        traceback.print_exc()
        return False
    finally:
        stage.farm.end_recording()
    print(f"seen   {story.__name__} ({time.monotonic() - began:.0f} s): {story.__doc__}", flush=True)
    return True


def _arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.real", description=__doc__)
    names = [story.__name__ for story in STORIES]
    parser.add_argument("stories", nargs="*", metavar="STORY", help=f"of {', '.join(names)}; else all")
    parser.add_argument(
        "--mqtt-plugin", default=programs.MQTT_PLUGIN, help="folder or address of OctoPrint's MQTT plugin"
    )
    parser.add_argument("--cache", type=Path, default=programs.cache_folder(), help="where programs are kept")
    parser.add_argument("--record", type=Path, help="folder in which the messages of each story are kept")
    found = parser.parse_args(words)
    unknown = set(found.stories) - set(names)
    if unknown:
        parser.error(f"no story is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return found


if __name__ == "__main__":
    sys.exit(main())
