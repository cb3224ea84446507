"""REST, live stream, metrics and the page."""
