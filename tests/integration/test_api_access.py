"""Who gets in, and what every answer carries."""

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from api.auth import COOKIE
from api.server import ApiServer
from api.setup import BrokerAccess
from farm.errors import ConfigurationError, LedgerUnreachable
from farm.ledger.ledger import Ledger
from tests.fakes.farm_server import TOKEN, FarmServer, farm_ledger, serving
from tests.fakes.sample_farm import sample_farm

GUARDED = ("/api/v1/printers", "/api/v1/jobs", "/api/v1/kpis", "/api/v1/alerts", "/api/v1/stream")
ALSO_GUARDED = ("/api/v1/openapi.json", "/api/v1/setup", "/api/v1/metrics", "/metrics", "/api/v1/nonsense")
OPEN = ("/health/live", "/health/ready", "/api/v1/health/live", "/login", "/page/base.css", "/favicon.ico")


def broker() -> BrokerAccess:
    return BrokerAccess(
        host="192.168.1.20",
        port=1883,
        username="layerline",
        password=SecretStr("violet-harbor"),
        topics=(("moonraker", "{printer}"), ("octoprint", "farm/{printer}/octoprint")),
    )


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with farm_ledger(sample_farm(2, days=1)) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def guarded(ledger: Ledger) -> Iterator[FarmServer]:
    with serving(ledger, token=TOKEN, setup=broker) as server:
        yield server


@pytest.fixture(scope="module")
def unguarded(ledger: Ledger) -> Iterator[FarmServer]:
    with serving(ledger, setup=broker) as server:
        yield server


@pytest.mark.parametrize("path", [*GUARDED, *ALSO_GUARDED])
def test_nothing_of_the_farm_is_told_without_the_token(guarded: FarmServer, path: str) -> None:
    answer = guarded.client.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:layerline:problem:unauthorized"


@pytest.mark.parametrize("path", OPEN)
def test_probes_and_the_sign_in_form_need_no_token(guarded: FarmServer, path: str) -> None:
    assert guarded.client.get(path).status_code == 200


def test_the_token_opens_as_bearer(guarded: FarmServer) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.client.get("/api/v1/printers", headers=headers).status_code == 200
    assert guarded.client.get("/api/v1/printers", headers={"Authorization": "Bearer x"}).status_code == 401
    assert guarded.client.get(f"/api/v1/printers?token={TOKEN}").status_code == 401


def test_signing_in_on_the_page_opens_it_and_signing_out_closes_it(guarded: FarmServer) -> None:
    client = guarded.client
    assert client.get("/").headers["location"] == "/login"
    wrong = client.post("/login", data={"token": "wrong"})
    assert wrong.status_code == 401
    assert "That is not the token." in wrong.text
    assert COOKIE not in client.cookies
    right = client.post("/login", data={"token": TOKEN})
    assert (right.status_code, right.headers["location"]) == (303, "/")
    assert client.get("/").status_code == 200
    assert client.get("/api/v1/printers").status_code == 200
    client.post("/logout")
    assert client.get("/api/v1/printers").status_code == 401


def test_a_sign_in_form_of_megabytes_is_refused(guarded: FarmServer) -> None:
    assert guarded.client.post("/login", content=b"token=" + b"x" * 1_000_000).status_code == 413


def test_another_sites_page_cannot_sign_anybody_in_or_out(guarded: FarmServer) -> None:
    for path in ("/login", "/logout"):
        answer = guarded.client.post(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403


def test_without_a_token_only_names_of_this_machine_are_answered(unguarded: FarmServer) -> None:
    port = unguarded.server.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "[::1]", "LOCALHOST"):
        assert unguarded.client.get("/api/v1/printers", headers={"Host": host}).status_code == 200, host
    for host in ("rebound.example", f"rebound.example:{port}", "127.0.0.1.example", "[", "10.0.0.7"):
        answer = unguarded.client.get("/api/v1/printers", headers={"Host": host})
        assert answer.status_code == 421, host
        assert answer.json()["type"] == "urn:layerline:problem:unknown-host"


def test_a_request_without_a_host_is_not_answered_either(unguarded: FarmServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", unguarded.server.port, timeout=10)
    connection.putrequest("GET", "/api/v1/printers", skip_host=True)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    assert status in (400, 421)


@pytest.mark.parametrize(
    "path", ["/", "/login", "/page/app.js", "/api/v1/printers", "/api/v1/nonsense", "/page/x"]
)
def test_every_answer_forbids_what_it_does_not_need(unguarded: FarmServer, path: str) -> None:
    headers = unguarded.client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert "server" not in headers


def test_the_page_loads_nothing_from_elsewhere_and_holds_no_inline_script(unguarded: FarmServer) -> None:
    for path in ("/", "/login"):
        text = unguarded.client.get(path).text
        assert "https://" not in text
        assert "<style" not in text
        assert " style=" not in text
        assert "onclick" not in text
        assert text.count("<script") == text.count("<script src=") + text.count('<script type="module" src=')


def test_files_of_the_page_are_sent_once_and_nothing_else_of_the_disk(unguarded: FarmServer) -> None:
    first = unguarded.client.get("/page/app.css")
    again = unguarded.client.get("/page/app.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for path in ("/page/..%2Fauth.py", "/page/../auth.py", "/page/%2e%2e/app.py", "/page/", "/page/.hidden"):
        assert unguarded.client.get(path).status_code == 404, path


def test_the_brokers_password_is_told_to_who_is_signed_in_or_on_this_machine(
    guarded: FarmServer, unguarded: FarmServer
) -> None:
    signed_in = guarded.client.get("/api/v1/setup", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    assert signed_in["password"] == "violet-harbor"
    assert unguarded.client.get("/api/v1/setup").json()["password"] == "violet-harbor"
    through_a_proxy = {"X-Forwarded-For": "10.1.2.3"}
    assert unguarded.client.get("/api/v1/setup", headers=through_a_proxy).json()["password"] is None


def test_the_set_up_has_the_text_for_each_way_with_a_name_that_is_free(unguarded: FarmServer) -> None:
    setup = unguarded.client.get("/api/v1/setup").json()
    assert setup["name"] == "bay1"
    (octoprint,) = [way for way in setup["ways"] if way["adapter"] == "octoprint"]
    values = {field["label"]: field["value"] for field in octoprint["fields"]}
    assert values["Base topic"].endswith("bay1/octoprint/")
    assert values["Password"] == "violet-harbor"
    through_a_proxy = {"X-Forwarded-For": "10.1.2.3"}
    assert "violet-harbor" not in unguarded.client.get("/api/v1/setup", headers=through_a_proxy).text
    named = unguarded.client.get("/api/v1/setup", params={"name": "Prusa left"}).json()
    assert "Prusa left" in str(named["ways"])
    assert unguarded.client.get("/api/v1/setup", params={"name": "a/b"}).status_code == 422


def test_without_knowledge_of_the_broker_the_setup_says_so(ledger: Ledger) -> None:
    with serving(ledger) as server:
        setup = server.client.get("/api/v1/setup").json()
    assert (setup["host"], setup["password"], setup["topics"]) == (None, None, [])


def test_small_answers_are_not_held_back_by_the_kernel(unguarded: FarmServer) -> None:
    assert unguarded.server._socket.proto == socket.IPPROTO_TCP


def test_a_port_that_is_taken_is_named_before_anything_runs(unguarded: FarmServer, ledger: Ledger) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"cannot listen on 127\.0\.0\.1"),
        serving(ledger, port=unguarded.server.port),
    ):
        pytest.fail("a second server took the port")


def test_an_address_that_is_not_of_this_machine_is_named(ledger: Ledger) -> None:
    with serving(ledger) as server:
        app = server.server.app
    settings = app.state.context.settings.model_copy(update={"host": "203.0.113.7", "port": 0})
    with pytest.raises(ConfigurationError, match=r"203\.0\.113\.7"):
        ApiServer(app, settings).run(threading.Event())


def test_a_ledger_that_is_away_is_a_problem_and_not_a_crash(
    unguarded: FarmServer, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise LedgerUnreachable("postgresql://user:secret@db refused")

    monkeypatch.setattr(ledger, "statuses", away)
    monkeypatch.setattr(ledger, "shards", away)
    answer = unguarded.client.get("/api/v1/printers")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:layerline:problem:ledger-unavailable"
    assert "secret" not in answer.text
    ready = unguarded.client.get("/health/ready")
    assert (ready.status_code, ready.json()["ledger"]) == (503, "unreachable")
    assert unguarded.client.get("/health/live").status_code == 200


def test_an_error_nobody_foresaw_tells_nothing_of_the_inside(
    unguarded: FarmServer, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("inner secret")

    monkeypatch.setattr(ledger, "faults", broken)
    answer = unguarded.client.get("/api/v1/faults")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "content-security-policy" in answer.headers
    assert "inner secret" not in answer.text
