"""Whatever is sent to any route, the answer is documented and no error of ours: any OpenAPI operation."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from tests.contract.ledger_samples import an_id
from tests.fakes.farm_server import FarmServer, farm_ledger, serving
from tests.fakes.sample_farm import sample_farm
from tests.servers import fresh_database, postgresql

TRIALS = 600
HUGE = st.sampled_from([0, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400])
INSTANTS = st.sampled_from(
    [
        "1970-01-01T00:00:00Z",
        "2025-11-22T08:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2025-11-22T08:00:00+23:59",
    ]
)
TEXTS = st.text(st.characters(codec=None), max_size=40) | st.text("\0\x1b\u202e\u2066\ud800😀a", max_size=8)
NUMBERS = HUGE.map(str) | st.integers().map(str) | st.floats().map(str)
MARKS = st.builds(
    lambda *end: base64.urlsafe_b64encode(json.dumps(end).encode()).decode().rstrip("="),
    st.booleans() | st.sampled_from(["firing", "resolved"]) | HUGE,
    HUGE | st.integers(),
    TEXTS,
) | HUGE.map(lambda number: base64.urlsafe_b64encode(b"[%d]" % number).decode().rstrip("="))
WINDOWS = st.builds("{}..{}".format, INSTANTS | TEXTS, INSTANTS | TEXTS)
KNOWN = st.sampled_from(
    ["Prusa 01", "utilization", "24h", "firing", "failed", "day", "farm", an_id("a job"), "Hall A", "true"]
)
VALUES = st.one_of(KNOWN, TEXTS, NUMBERS, MARKS, WINDOWS, INSTANTS)
LIKELY = {"after": MARKS, "window": WINDOWS, "since": INSTANTS, "until": INSTANTS, "limit": NUMBERS}
JSON = st.recursive(
    st.none() | st.booleans() | HUGE | st.floats() | TEXTS | KNOWN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | KNOWN, inner, max_size=4),
    max_leaves=10,
)
FIELDS = [
    "what",
    "state",
    "name",
    "outcome",
    "cause",
    "units",
    "text",
    "for",
    "why",
    "who",
    "material",
    "operator",
]
WHATS = ["state", "rename", "retire", "forget", "restore", "correct", "close", "describe", "note"]
SAID = st.builds(
    lambda what, rest: {**rest, "what": what},
    st.sampled_from(WHATS),
    st.dictionaries(st.sampled_from(FIELDS), JSON | INSTANTS, max_size=5),
)
VERDICTS = st.dictionaries(
    st.sampled_from(["job", "good_units", "rejected_units", "reason", "note", "units_differ"]),
    JSON | st.sampled_from([0, 1, "warping", True]),
    max_size=6,
)
VERDICT_LISTS = st.lists(VERDICTS, max_size=3).map(lambda said: {"verdicts": said})
SPANS = st.lists(
    st.sampled_from(["08:00-18:00", "00:00-24:00", "22:00-06:00", "12:00-13:00"]) | TEXTS, max_size=3
)
DATES = st.sampled_from(["2026-12-24", "2026-02-30", "0000-01-01", "9999-12-31"])
CALENDARS = st.builds(
    lambda hours, days, rest: {"hours": hours, "exceptions": days, **rest},
    st.dictionaries(st.sampled_from(["mon", "tue", "sun"]), SPANS, max_size=3),
    st.lists(st.fixed_dictionaries({"date": DATES | TEXTS, "hours": SPANS | JSON}), max_size=3),
    st.dictionaries(
        st.sampled_from(["holidays", "groups", "default", "version", "why"]), JSON | TEXTS, max_size=3
    ),
)
PLANNED = st.builds(
    lambda start, end, rest: {"from": start, "until": end, **rest},
    INSTANTS | TEXTS,
    INSTANTS | TEXTS,
    st.dictionaries(st.sampled_from(["printer", "group", "why"]), KNOWN | JSON, max_size=2),
)
BODIES = st.one_of(
    (JSON | SAID | VERDICTS | VERDICT_LISTS | CALENDARS | PLANNED).map(
        lambda value: json.dumps(value).encode()
    ),
    st.binary(max_size=60),
    st.integers(1, 30_000).map(lambda depth: b"[" * depth),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[FarmServer]:
    with ExitStack() as stack:
        url = "sqlite://"
        if request.param == "postgresql":
            url = stack.enter_context(fresh_database(stack.enter_context(postgresql())))
        ledger = stack.enter_context(farm_ledger(sample_farm(2, days=1), url))
        yield stack.enter_context(serving(ledger))


def encoded(value: str) -> str:
    """The value in a URL, as bytes that need not be UTF-8."""
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


@st.composite
def requests(draw: st.DrawFn, document: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Any operation of the document with any values, as method, template of the path, and how to send it."""
    paths = sorted(set(document["paths"]) - {"/api/v1/stream"})
    lists = [path for path in paths if '"after"' in json.dumps(document["paths"][path])]
    template = draw(st.sampled_from(paths) | st.sampled_from(lists))
    method = draw(st.sampled_from(sorted(document["paths"][template])))
    parameters = document["paths"][template][method].get("parameters", [])
    path = re.sub(r"\{\w+\}", lambda _: encoded(draw(VALUES)) or "x", template)
    inner = [each["name"] for each in parameters if each["in"] == "query"]
    name = (
        st.sampled_from(inner) | st.sampled_from(sorted(LIKELY.keys() & set(inner)) or inner)
        if inner
        else TEXTS
    )
    names = draw(st.lists(name, max_size=3, unique=True))
    pairs = [(name, draw(LIKELY.get(name, VALUES))) for name in names]
    query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in pairs)
    sent: dict[str, Any] = {"url": f"{path}?{query}", "headers": {}}
    for each in parameters:
        if each["in"] == "header" and draw(st.booleans()):
            words = draw(VALUES).encode("utf-8", "surrogatepass")
            sent["headers"][each["name"]] = re.sub(rb"[\x00-\x1f\x7f]", b"", words).strip()
    if method in ("post", "put"):
        sent["content"] = draw(BODIES)
        sent["headers"]["Content-Type"] = "application/json"
    return method, template, sent


def test_no_request_is_an_error_of_ours(server: FarmServer) -> None:
    document = server.client.get("/api/v1/openapi.json").json()

    @trials(
        max_examples=TRIALS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(requests(document))
    def holds(request: tuple[str, str, dict[str, Any]]) -> None:
        method, template, sent = request
        answer = _answer(server, method, sent)
        assert answer.status_code < 500, answer.text
        known = document["paths"][template][method]["responses"]
        assert str(answer.status_code) in known or answer.status_code in (404, 405, 413)
        if answer.status_code >= 400:
            assert answer.json()["type"].startswith("urn:layerline:problem:")

    holds()


def _answer(server: FarmServer, method: str, sent: dict[str, Any]) -> httpx.Response:
    return server.client.request(method.upper(), **sent)
