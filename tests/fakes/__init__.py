"""Stand-ins and sample data that several tests share."""
