"""The yardstick: connect, receive, `json.loads`, count. Nothing else."""

import json
import sys
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    host, port, wanted = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    count = 0

    def received(client: Client, _data: Any, message: MQTTMessage) -> None:
        nonlocal count
        json.loads(message.payload)
        count += 1
        if count >= wanted:
            client.disconnect()

    client = Client(
        CallbackAPIVersion.VERSION2, client_id="bench-paho", clean_session=False, protocol=MQTTv311
    )
    client.on_message = received
    client.connect(host, port)
    if wanted == 0:
        client.loop(0.5)
        client.disconnect()
    else:
        client.loop_forever()
    print(count)


if __name__ == "__main__":
    main()
