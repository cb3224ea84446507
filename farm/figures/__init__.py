"""What every figure is read from: the sums of the ledger, and the indicators worked out of them."""
