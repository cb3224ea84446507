"""What an indicator may be given: any at all, or one in hours and prints."""

from collections.abc import Mapping

from hypothesis import strategies as st

from farm.kpi.account import TimeAccount
from farm.kpi.calculation import KpiInput
from farm.kpi.faults import RepairTally
from farm.kpi.outcomes import AttemptTally, InspectionTally, MaterialTally, OutcomeTally
from farm.kpi.streak import StreakTally
from farm.model.states import CancelledBy, Outcome, PrinterState
from farm.model.times import DAY_MS, HOUR_MS
from farm.settings import SiteSettings

HOURS = st.dictionaries(st.sampled_from(PrinterState), st.integers(0, DAY_MS))
ACCOUNTS = st.builds(TimeAccount, HOURS, HOURS)
NUMBERS = st.dictionaries(st.sampled_from(Outcome), st.integers(0, 1000))
SITES = st.builds(
    SiteSettings,
    preparing_counts_as_printing=st.booleans(),
    cancelled_counts_as_attempt=st.booleans(),
)
INSPECTIONS = st.builds(InspectionTally, st.just(0), st.just(0), st.integers(0, 9), st.integers(0, 9))
REPAIRS = st.lists(st.integers(0, DAY_MS), min_size=3, max_size=3).map(
    lambda lengths: RepairTally(5, 3, sorted(lengths)[1], min(lengths), max(lengths))
)
MATERIAL = st.sampled_from(
    [
        {},
        {Outcome.FAILED: MaterialTally(silent=1)},
        {Outcome.SUCCEEDED: MaterialTally(weighed=2, milligrams=7, silent=3)},
        {
            Outcome.FAILED: MaterialTally(weighed=1, milligrams=40, silent=1),
            Outcome.UNKNOWN: MaterialTally(metered=1, microlitres=5, unweighed_microlitres=5),
            Outcome.CANCELLED: MaterialTally(measured=1, micrometres=9_000, unweighed_micrometres=9_000),
        },
    ]
)
ATTEMPTS = st.lists(st.integers(0, 50), min_size=6, max_size=6).map(
    lambda n: AttemptTally(
        n[0] + n[1],
        n[5],
        n[0] + n[1],
        n[0],
        n[2] + n[3],
        min(n[4], n[0]) + min(n[4], n[1]),
        min(n[4], n[0]),
    )
)
STREAKS = st.lists(st.integers(0, 9), min_size=3, max_size=3).map(
    lambda n: StreakTally(sorted(n)[1], min(n), max(n), max(n), 1, 4, 5)
)
BASES = st.builds(
    KpiInput,
    account=ACCOUNTS,
    outcomes=st.builds(
        OutcomeTally,
        NUMBERS,
        NUMBERS,
        st.just({}),
        NUMBERS,
        st.builds(InspectionTally, st.just(0), st.just(0), st.integers(0, 9), st.integers(0, 9)),
        whole_ms=NUMBERS,
        material=MATERIAL,
        attempts=ATTEMPTS,
    ),
    printers=st.integers(0, 10),
    elapsed_ms=st.integers(0, DAY_MS),
    site=SITES,
    repairs=REPAIRS,
    streaks=STREAKS,
)


def basis_of(
    *,
    hours: Mapping[PrinterState, float] | None = None,
    closed: Mapping[PrinterState, float] | None = None,
    jobs: Mapping[Outcome, int] | None = None,
    units: Mapping[Outcome, int] | None = None,
    cancelled_by: Mapping[CancelledBy, int] | None = None,
    site: SiteSettings | None = None,
) -> KpiInput:
    return KpiInput(
        account=TimeAccount(
            {state: round(value * HOUR_MS) for state, value in (hours or {}).items()},
            {state: round(value * HOUR_MS) for state, value in (closed or {}).items()},
        ),
        outcomes=OutcomeTally(jobs or {}, units or jobs or {}, cancelled_by or {}),
        printers=1,
        elapsed_ms=DAY_MS,
        site=site or SiteSettings(),
    )
