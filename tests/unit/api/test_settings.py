import pytest
from pydantic import SecretStr, ValidationError

from api.settings import ApiSettings, is_loopback

TOKEN = SecretStr("0123456789abcdef")


def test_listens_on_loopback_without_a_token_unless_told_otherwise() -> None:
    settings = ApiSettings()
    assert (settings.host, settings.port, settings.token) == ("127.0.0.1", 8642, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "farm.example", "::ffff:10.0.0.1"])  # noqa: S104
def test_refuses_an_address_of_the_network_without_a_token(host: str) -> None:
    with pytest.raises(ValidationError, match="`token` or `token_file` must be set"):
        ApiSettings(host=host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "farm.example"])  # noqa: S104
def test_takes_an_address_of_the_network_with_a_token(host: str) -> None:
    assert ApiSettings(host=host, token=TOKEN).host == host


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.8.9.1", "::1", "[::1]"])
def test_knows_loopback(host: str) -> None:
    assert is_loopback(host)
    assert ApiSettings(host=host).token is None


@pytest.mark.parametrize("host", ["", "localhost.example", "0.0.0.0", "10.0.0.1", "evil.test"])  # noqa: S104
def test_takes_nothing_else_for_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "token", ["short", "with blanks in between", "umlaut-ümlaut-ümlaut", "tab\tinside-the-token"]
)
def test_refuses_a_weak_or_untypable_token_without_showing_it(token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ApiSettings(token=SecretStr(token))
    assert token not in str(caught.value)
