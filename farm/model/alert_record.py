"""What people did about alerts as objects of JSON: for API, command line, trail and feed alike."""

from typing import Any

from farm.model.acknowledgement import Acknowledgement
from farm.model.alert_action import AlertAction
from farm.model.silence import Silence
from farm.model.times import rfc3339, rfc3339_or_none


def acknowledgement_record(given: Acknowledgement) -> dict[str, Any]:
    """Who sees to an alert, since when, until when, and what they noted."""
    return {
        "by": given.who,
        "note": given.note,
        "at": rfc3339(given.at_ms),
        "until": rfc3339(given.until_ms),
    }


def silence_record(silence: Silence) -> dict[str, Any]:
    """A silence as it was made, and when it was ended if it was."""
    return {
        "id": silence.id,
        "matchers": {label.value: pattern for label, pattern in silence.matchers.items()},
        "from": rfc3339(silence.from_ms),
        "until": rfc3339(silence.to_ms),
        "made_at": rfc3339(silence.made_ms),
        "who": silence.who,
        "why": silence.why,
        "ended_at": rfc3339_or_none(silence.ended_ms),
    }


def silence_record_at(silence: Silence, now_ms: int) -> dict[str, Any]:
    """The same, with where it stands then."""
    return silence_record(silence) | {"state": silence.state(now_ms).value}


def alert_action_record(action: AlertAction) -> dict[str, Any]:
    """One entry of the trail."""
    return {
        "id": action.id,
        "at": rfc3339(action.at_ms),
        "who": action.who,
        "why": action.why,
        "what": action.what.value,
        "alert_id": action.alert_id,
        "silence": action.silence_id,
        "before": action.before,
        "after": action.after,
    }
