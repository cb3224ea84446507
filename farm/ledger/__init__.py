"""The stores: the ledger (the truth, in SQL) and what is shipped from it."""
