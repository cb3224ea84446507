"""The kinds of shop that the guides to printing businesses describe."""

from enum import StrEnum


class Profile(StrEnum):
    """A kind of shop; a shop starts from the targets of one and sets its own."""

    JEWELRY = "jewelry"
    CUSTOM_MINIATURES = "custom-miniatures"
    RESIN_MINIATURES = "resin-miniatures"
    MODEL_STUDIO = "model-studio"
    SERVICE_BUREAU = "service-bureau"
