"""One session for each address: adapter memory, source clock, report interval, questions."""
