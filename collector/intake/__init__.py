"""From the broker to the pipeline: connection, sources, redelivery, and the path of a message."""
