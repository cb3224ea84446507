"""Every indicator worked out once more from the ledger of truth, slowly and by plain counting.

Nothing here shares a formula with the indicators themselves: what both say was found out twice.
"""
