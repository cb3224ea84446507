import pytest
from pydantic import ValidationError

from farm.ledger.settings import LedgerSettings


def test_the_ledger_is_a_file_beside_the_program_unless_set() -> None:
    assert LedgerSettings().url == "sqlite:///layerline-data/ledger.db"


def test_a_password_shows_neither_in_the_settings_nor_in_an_error() -> None:
    assert "hunter2" not in repr(LedgerSettings(url="postgresql://user:hunter2@host/farm"))
    with pytest.raises(ValidationError, match="allowed: sqlite") as caught:
        LedgerSettings(url="mysql://user:hunter2@host/farm")
    assert "hunter2" not in str(caught.value)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        LedgerSettings.model_validate({"path": "/x"})
