from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.auth import COOKIE, SignIn
from farm.model.times import DAY_MS
from tests.fakes.sample_farm import NOW_MS

TOKEN = "a-token-made-up-for-tests"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_ms = NOW_MS

    def __call__(self) -> int:
        return self.at_ms


def request(**headers: str) -> HTTPConnection:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": raw})


def cookie_of(sign_in: SignIn) -> str:
    answer = Response()
    sign_in.admit(answer, secure=False)
    return answer.headers["set-cookie"].split(";")[0].removeprefix(f"{COOKIE}=")


def test_the_token_opens_as_bearer_and_nothing_else_does() -> None:
    sign_in = SignIn(TOKEN, 30, Clock())
    assert sign_in.allows(request(authorization=f"Bearer {TOKEN}"))
    assert sign_in.allows(request(authorization=f"bearer  {TOKEN} "))
    for wrong in (
        f"Basic {TOKEN}",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        "Bearer é",
    ):
        assert not sign_in.allows(request(authorization=wrong)), wrong
    assert not sign_in.allows(request())


def test_a_cookie_opens_until_its_days_are_over() -> None:
    clock = Clock()
    sign_in = SignIn(TOKEN, 30, clock)
    cookie = cookie_of(sign_in)
    assert sign_in.allows(request(cookie=f"{COOKIE}={cookie}"))
    clock.at_ms += 30 * DAY_MS + 1_000
    assert not sign_in.allows(request(cookie=f"{COOKIE}={cookie}"))


def test_a_cookie_holds_no_token_and_cannot_be_prolonged() -> None:
    sign_in = SignIn(TOKEN, 30, Clock())
    cookie = cookie_of(sign_in)
    ends, seal = cookie.split(".")
    assert TOKEN not in cookie
    for forged in (
        f"{int(ends) + 1}.{seal}",
        f"{ends}.",
        ends,
        f".{seal}",
        f"-1.{seal}",
        f"{'9' * 40}.{seal}",
    ):
        assert not sign_in.allows(request(cookie=f"{COOKIE}={forged}")), forged


def test_a_new_token_ends_every_session() -> None:
    cookie = cookie_of(SignIn(TOKEN, 30, Clock()))
    assert not SignIn("another-token-for-tests", 30, Clock()).allows(request(cookie=f"{COOKIE}={cookie}"))


def test_a_wrong_token_is_not_saved_by_a_good_cookie() -> None:
    sign_in = SignIn(TOKEN, 30, Clock())
    good = f"{COOKIE}={cookie_of(sign_in)}"
    assert not sign_in.allows(request(authorization="Bearer nonsense", cookie=good))


def test_the_cookie_is_kept_from_scripts_and_other_sites() -> None:
    answer = Response()
    SignIn(TOKEN, 30, Clock()).admit(answer, secure=True)
    words = answer.headers["set-cookie"].lower()
    assert "httponly" in words
    assert "samesite=strict" in words
    assert "secure" in words
    assert f"max-age={30 * 86_400}" in words
