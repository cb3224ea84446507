"""What is mutated, which quick tests are to notice it, and how many of the mutants they must kill."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ADAPTERS = "tests/unit/collector/adapters"
_TRAITS = f"{_ADAPTERS}/test_traits.py"
_ESTIMATES = f"{_ADAPTERS}/test_estimates.py"
_REDACTION = "tests/unit/collector/test_redaction.py"
_TRACKER = "tests/unit/collector/tracker"
_TRACKED = (
    *("rules", "signals", "attempts", "limits", "matching", "doubt", "history", "persons", "beside"),
    *("firmware_error", "outcome", "cut_off"),
)
_RECORDINGS = "tests/contract/test_recordings.py::test_a_recording_gives_the_jobs_written_beside_it"
_HOURS = "tests/contract/test_recordings.py::test_the_hours_add_up_without_hole_or_overlap"


_OF_THE_FIGURES = sorted(
    path for folder in ("kpi", "figures") for path in (ROOT / "tests/unit" / folder).glob("test_*.py")
)
_KPI = (
    *(path.relative_to(ROOT).as_posix() for path in _OF_THE_FIGURES),
    *("tests/unit/alerts/test_streak.py", "tests/unit/app/test_calendar_entries.py"),
    *("tests/unit/cli/test_reference.py", "tests/unit/cli/test_working.py"),
)
_INNER = ("farm.ledger.ledger", "farm.figures.window_sums")


@dataclass(frozen=True)
class Target:
    """Some modules, and the tests that hold them.

    `sources` are files or folders below the root, `tests` arguments of pytest, which run one by one
    until one fails (the quickest first, before them that which is named like the mutated module and
    that which noticed its mutant before), `mark` is the least score as a ratio.
    `warm` are modules that lie further in than the sources and import none of them, so that they
    are loaded once for all trials.
    """

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    mark: float = 0.85
    warm: tuple[str, ...] = _INNER

    @property
    def modules(self) -> list[Path]:
        """The files, relative to the root."""
        found: list[Path] = []
        for source in self.sources:
            path = ROOT / source
            found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
        return [path.relative_to(ROOT) for path in found]


TARGETS = (
    # First: what it is warm without is loaded for the others.
    Target("kpi", ("farm/kpi",), _KPI, warm=()),
    Target(
        "source_clock",
        ("collector/sessions/source_clock.py",),
        ("tests/unit/collector/test_source_clock.py",),
    ),
    Target(
        "report_interval",
        ("collector/sessions/report_interval.py",),
        ("tests/unit/collector/test_report_interval.py",),
    ),
    Target("asking", ("collector/sessions/asking.py",), ("tests/unit/collector/test_asking.py",)),
    Target("canonical", ("collector/canonical.py",), ("tests/unit/collector/test_canonical.py",)),
    Target(
        "native",
        ("collector/adapters/native.py",),
        (
            f"{_ADAPTERS}/test_native.py",
            _TRAITS,
            "tests/unit/collector/test_gap_rules.py",
            _ESTIMATES,
            _REDACTION,
            f"{_ADAPTERS}/test_decoding.py",
        ),
    ),
    Target(
        "octoprint",
        (
            "collector/adapters/octoprint.py",
            "collector/adapters/_octoprint_estimates.py",
            "collector/adapters/_octoprint_events.py",
            "collector/adapters/_octoprint_gap.py",
            "collector/adapters/_octoprint_memory.py",
        ),
        (
            f"{_ADAPTERS}/test_octoprint_words.py",
            f"{_ADAPTERS}/test_octoprint_memory.py",
            f"{_ADAPTERS}/test_octoprint_gap.py",
            _TRAITS,
            _ESTIMATES,
            f"{_ADAPTERS}/test_decoding.py",
            "tests/unit/collector/test_gap_rules.py",
            "tests/unit/collector/test_octoprint.py",
            _RECORDINGS,
            _REDACTION,
        ),
    ),
    Target(
        "moonraker",
        (
            "collector/adapters/moonraker.py",
            "collector/adapters/_klipper_memory.py",
            "collector/adapters/_klipper_sensors.py",
            "collector/adapters/_klipper_status.py",
            "collector/adapters/_moonraker_gap.py",
            "collector/adapters/_moonraker_history.py",
        ),
        (
            f"{_ADAPTERS}/test_moonraker_words.py",
            f"{_ADAPTERS}/test_moonraker_gap.py",
            _TRAITS,
            _ESTIMATES,
            f"{_ADAPTERS}/test_decoding.py",
            "tests/unit/collector/test_moonraker.py",
            "tests/unit/collector/test_gap_rules.py",
            _RECORDINGS,
            _REDACTION,
        ),
    ),
    Target(
        "adapters",
        (
            "collector/adapters/__init__.py",
            "collector/adapters/_causes.py",
            "collector/adapters/_gap_rules.py",
            "collector/adapters/_json.py",
            "collector/adapters/_wire_types.py",
            "collector/adapters/base.py",
        ),
        (
            f"{_ADAPTERS}/test_payloads.py",
            "tests/unit/collector/test_causes.py",
            f"{_ADAPTERS}/test_decoding.py",
            "tests/unit/collector/test_gap_rules.py",
            _REDACTION,
        ),
    ),
    Target(
        "alerts",
        ("alerts/rules", "alerts/lifecycle.py", "alerts/conditions.py", "alerts/retelling.py"),
        (
            "tests/unit/alerts/test_findings.py",
            "tests/unit/alerts/test_streak.py",
            "tests/unit/alerts/test_lifecycle.py",
            "tests/unit/alerts/test_standing_rules.py",
            "tests/unit/alerts/test_among_last.py",
            "tests/unit/alerts/test_retelling.py",
        ),
    ),
    Target(
        "tracker",
        ("collector/tracker",),
        (
            *(f"{_TRACKER}/test_{name}.py" for name in _TRACKED),
            "tests/unit/collector/test_queue_bounds.py",
            "tests/unit/collector/test_octoprint.py",
            "tests/unit/collector/test_moonraker.py",
            _RECORDINGS,
            _HOURS,
            "tests/unit/collector/test_late_evidence.py",
        ),
        mark=0.95,
    ),
)
