"""Where the ledger is."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from farm.errors import LedgerError
from farm.ledger.engine import ALLOWED_URLS, check_url
from farm.settings import Section


def _ledger_url(url: str) -> str:
    try:
        check_url(url)
    except LedgerError as error:
        raise ValueError(str(error)) from error
    return url


class LedgerSettings(Section):
    """The `[ledger]` section."""

    # The URL may hold a password, which must not come back in an error.
    model_config = ConfigDict(hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_ledger_url)] = Field(
        "sqlite:///layerline-data/ledger.db",
        repr=False,
        description=f"Database of the ledger: {ALLOWED_URLS}.",
    )
