"""`layerline alert test`: whether a receiver takes a message."""

from typing import Annotated

from typer import Argument, Exit

from farm.cli.opening import open_configuration
from farm.cli.options import ConfigOption, DataOption, JsonOption, VerboseOption
from farm.cli.output import print_json, print_line

TEST_EXAMPLES = """
layerline alert test floor                        send the receiver called floor a test message
layerline alert test slack --json
"""


def send_test(
    receiver: Annotated[
        str, Argument(metavar="RECEIVER", help="Its name in the configuration.", show_default=False)
    ],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Send a receiver of alerts a test message, and say what came back.

    Ends with status 1 when the message was not taken, 2 when there is no such receiver. To try all
    of them: `layerline check --send`.
    """
    import msgspec

    from farm.cli.checkup import watched, without_secrets
    from farm.cli.diagnosis import CheckStatus
    from farm.cli.receiver_checks import check_receivers

    configuration = open_configuration(config, data, verbose=verbose)
    sending = check_receivers(configuration, send=True, only=receiver)
    (told,) = sending if as_json else watched(f"Sending a test message to {receiver} …", sending)
    found = without_secrets(told)
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        print_line(f"{found.what}: {found.seen}")
    if found.status is CheckStatus.FAILED:
        raise Exit(1)
