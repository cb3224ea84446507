"""What the collector keeps at hand of a printer: its tracker, its evidence, and how both are run again."""
