"""The indicators of the farm: pure arithmetic over the hours and the jobs of the ledger.

`catalogue` says what is measured, `engine` reads the ledger and puts the figures
together, one file per family holds the formulas.
"""
