"""Rules, alerts and their delivery."""
