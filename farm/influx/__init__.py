"""InfluxDB: what is written there from the ledger, how it gets there, and how it is read back."""
