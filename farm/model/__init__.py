"""The words of the farm: printers, observations, states, spans, jobs and events.

Values are immutable. Times are integer milliseconds since 1970 in UTC, lengths
millimetres, masses grams, temperatures degrees Celsius, shares ratios from 0 to 1.
"""
