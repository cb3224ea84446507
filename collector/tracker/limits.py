"""How long the tracker waits, and what it takes for one moment or one start."""

SETTLE_MS = 10_000
"""A resting state before the end was told waits so long for that end; repeated ends within it are one."""
ECHO_MS = 2_000
"""Messages of one moment may overtake each other by so much."""
SAME_START_MS = 5_000
"""Two accounts of a start closer than this are of one attempt, beyond what pauses explain."""
FRESH_MS = 1_000
"""What is said of the same moment as a start is said of that start."""
STALE_MS = 120_000
"""A retained account of a print's time may be older than what we saw of it by so much."""
RENEWED_LINK_MS = 1_000
"""A link that reports itself up while it was up has been away when nothing came for so long."""
AHEAD_MS = 120_000
"""A history row whose end lies further ahead of its telling is not believed."""
REMEMBERED = 12
"""So many readings are known again when they come twice, and so many aliases are kept."""
REMEMBERED_WORDS = 32
"""The words of persons on so many jobs are kept at hand."""
BESIDE_MS = 10_000
"""What two addresses of a printer tell of one moment may lie apart by so much."""
CUT_OFFS_KEPT = 8
"""So many times that the line of a printer was gone are remembered, until it shows what it did meanwhile."""
