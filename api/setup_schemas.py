"""How a printer is added, and who was refused, as the API answers with them."""

from pydantic import Field

from api.schemas import Answer, Instant
from farm.model.refused_client import RefusalReason


class TopicHint(Answer):
    """Under which topic Layerline expects a printer of one adapter."""

    adapter: str = Field(examples=["octoprint"])
    topic: str = Field(
        description="Prefix of the printer's topics; `{printer}` stands for its name.",
        examples=["farm/{printer}/octoprint"],
    )


class SetupField(Answer):
    """A field of the program at the printer, by its label there; `value` is null where it is to be ticked."""

    label: str = Field(examples=["Base topic"])
    value: str | None = Field(examples=["octoPrint/bay3/"])
    secret: bool = Field(description="Whether it is better not shown unasked.", examples=[False])


class SetupWay(Answer):
    """How a printer of one protocol is set up."""

    adapter: str = Field(examples=["octoprint"])
    title: str = Field(examples=["OctoPrint"])
    steps: list[str] = Field(examples=[["Restart Moonraker."]])
    fields: list[SetupField]
    block: str | None = Field(
        description="To be pasted as it is.", examples=["[mqtt]\naddress: 192.168.1.20"]
    )


class Setup(Answer):
    """What to type into a printer so that it appears: the broker and the topics.

    The password is there only when the farm's own broker made one and whoever asks is
    signed in or on this machine.
    """

    site: str = Field(examples=["main"])
    host: str | None = Field(description="Null when it is not known here.", examples=["192.168.1.20"])
    port: int | None = Field(examples=[1883])
    tls: bool = Field(examples=[False])
    username: str | None = Field(examples=["layerline"])
    password: str | None = Field(examples=[None])
    topics: list[TopicHint]
    name: str = Field(description="The name that is filled in: free, unless asked for.", examples=["bay3"])
    ways: list[SetupWay]


class RefusedClientRecord(Answer):
    """A client that the embedded broker did not let in, and one reason why.

    `current` while it was refused within the last five minutes and not let in since. Address and
    client id are null where the broker does not tell them: Mosquitto before 2.0.13 no client id.
    """

    address: str | None = Field(examples=["192.168.1.7"])
    client_id: str | None = Field(examples=["bay2"])
    reason: RefusalReason = Field(examples=[RefusalReason.WRONG_PASSWORD])
    words: str = Field(description="The reason as said to a person.", examples=["wrong password"])
    remedy: str = Field(examples=["type in user and password as `layerline up` shows them"])
    count: int = Field(description="Refusals since it was let in last, or ever.", examples=[12])
    current: bool = Field(examples=[True])
    first_at: Instant
    last_at: Instant
    let_in_at: Instant | None
