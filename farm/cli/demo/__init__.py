"""A whole farm to look at, in one command and on this machine only."""
