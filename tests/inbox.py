"""What waits in the inbox of a ledger, with its words."""

from farm.ledger.ledger import Ledger
from farm.model.operator_input import OperatorInput


def waiting_inputs(ledger: Ledger, limit: int = 100) -> list[OperatorInput]:
    """The entries that are still to be worked in, in their order."""
    found = [ledger.waiting_input(input_id) for input_id in ledger.waiting_inputs(limit)]
    return [said for said in found if said is not None]
