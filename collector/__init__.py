"""From MQTT messages to booked jobs and spans."""
