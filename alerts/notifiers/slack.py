"""Slack: an incoming webhook, with a message of Block Kit.

Formats and limits: https://docs.slack.dev/reference/block-kit/blocks and
https://docs.slack.dev/messaging/formatting-message-text. Names come from files that anybody
may have called anything, so they stand as code, where Slack reads no marks, and `&`, `<`
and `>` are escaped, without which `<!channel>` would call everybody.
"""

import http.client
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.error import HTTPError
from urllib.request import OpenerDirector, Request

import msgspec
from pydantic import AfterValidator, Field, SecretStr
from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient, WebhookResponse

from alerts import wording
from alerts.notification import Bundled, Notification, Print
from alerts.notifiers._limited_http import limited_opener
from alerts.notifiers._web_address import is_web_address
from alerts.notifiers.base import DeliveryResult, Notifier, NotifierSettings, silent_logger
from alerts.retry import LONGEST_WISH_MS, RetryDecision, judge_http
from farm.answer_limit import LARGEST_ANSWER
from farm.errors import DeliveryError
from farm.model.alert import DeliveryProgress, NotificationReason, Severity
from farm.model.clock import Clock, system_clock
from farm.model.limits import RECEIVER
from farm.model.retry_after import retry_after_ms
from farm.model.states import Outcome
from farm.model.times import SECOND_MS
from farm.time_limit import TimeLimit

MOST_BLOCKS = 50
LONGEST_HEADER = 150
LONGEST_TEXT = 3000
LONGEST_LINK = 800
MOST_TOGETHER = 11_000
"""Slack refuses blocks of about 13,000 signs in sum (`msg_blocks_too_long`), which it does not state."""

_ROOM_FOR_THE_REST = 300
"""The divider and the line that counts what was left out."""

_NO_WEBHOOK = "answered by something that is no webhook"
_WORD = re.compile(r"[a-z][a-z_]{0,79}")
"""How Slack says what it thinks of a message: `ok`, `no_text`, `invalid_payload`."""

_SIGNS = {Severity.INFO: "🔵", Severity.WARNING: "🟠", Severity.CRITICAL: "🔴"}
_OUTCOME_SIGNS = {
    Outcome.SUCCEEDED: ":white_check_mark:",
    Outcome.FAILED: ":x:",
    Outcome.CANCELLED: ":heavy_minus_sign:",
    Outcome.UNKNOWN: ":grey_question:",
}

Content = dict[str, Any]


def _webhook_address(secret: SecretStr) -> SecretStr:
    """The address, if it can be one. Raises ValueError that does not tell it."""
    if not is_web_address(secret.get_secret_value()):
        raise ValueError("must be the address of an incoming webhook, https://hooks.slack.com/services/…")
    return secret


class SlackSettings(NotifierSettings):
    """An incoming webhook of a Slack channel."""

    kind: Literal["slack"] = Field("slack", description="The kind of this receiver.")
    name: str = Field(
        "slack",
        min_length=1,
        max_length=RECEIVER.length,
        description="The receiver's name in records and logs.",
    )
    webhook_url: Annotated[SecretStr, AfterValidator(_webhook_address)] = Field(
        description="Address of the incoming webhook; who knows it can post, so it is a secret."
    )
    timeout_s: float = Field(
        10, gt=0, le=60, description="Seconds to wait for the connection and for each part of the answer."
    )


class SlackNotifier(Notifier[SlackSettings, Content]):
    """Posts to one incoming webhook."""

    settings_type: ClassVar[type[NotifierSettings]] = SlackSettings
    bundles: ClassVar[bool] = True

    def __init__(self, settings: SlackSettings, clock: Clock = system_clock) -> None:
        super().__init__(settings)
        self._clock = clock

    @property
    def patience_s(self) -> float:
        """Seconds for the connection, the head of the answer and its body."""
        return self.settings.timeout_s * 3

    def build(self, notification: Notification, delivery_id: str) -> Content:
        """The webhook's JSON body, within Slack's limits."""
        return {
            "text": _within(wording.headline(notification), LONGEST_TEXT, _escaped),
            "blocks": _blocks(notification, delivery_id),
            "unfurl_links": False,
            "unfurl_media": False,
        }

    def send(self, content: Content, progress: DeliveryProgress) -> DeliveryResult:  # noqa: ARG002 - one recipient
        """Post it. Raises DeliveryError."""
        response = self._post(content)
        decision = judge_http(response.status_code)
        answer = self.clean(f"HTTP {response.status_code} {response.body}")
        if decision is RetryDecision.DELIVERED and not _says_taken(response.body):
            # A proxy or a sign-in page: whatever it is, nobody has got the message.
            raise DeliveryError(self.clean(f"{_NO_WEBHOOK}: {answer}"), permanent=False)
        if decision is not RetryDecision.DELIVERED:
            raise DeliveryError(
                answer,
                permanent=decision is RetryDecision.REFUSED,
                retry_after_s=self._wish_s(response.headers),
            )
        return DeliveryResult(answer=answer)

    def probe(self) -> str:
        """Post an empty body: a webhook that stands refuses it with 400 and a word, and posts nothing."""
        response = self._post({})
        answer = self.clean(f"HTTP {response.status_code} {response.body}")
        if response.status_code not in (http.HTTPStatus.OK, http.HTTPStatus.BAD_REQUEST):
            raise DeliveryError(answer, permanent=judge_http(response.status_code) is RetryDecision.REFUSED)
        if not _is_of_a_webhook(response.body):
            raise DeliveryError(self.clean(f"{_NO_WEBHOOK}: {answer}"), permanent=False)
        return f"{answer}, as a webhook answers an empty message"

    def _post(self, content: Content) -> WebhookResponse:
        limit = TimeLimit()
        client = _Client(
            self.settings.webhook_url.get_secret_value(),
            # Typed as whole seconds there, handed to urllib as it is.
            timeout=self.settings.timeout_s,  # type: ignore[arg-type]
            retry_handlers=[],
            logger=silent_logger("alerts.notifiers.slack.client"),
        )
        # The library takes the proxy of the environment for every host. Left to urllib, the hosts
        # that are named in NO_PROXY are reached directly.
        client.proxy = None
        client.opener = limited_opener(limit)
        try:
            with limit.within(self.patience_s):
                return client.send_dict(content)
        except (OSError, http.client.HTTPException, SlackClientError, ValueError, LookupError) as error:
            # The error is not chained: its text may hold the address, which is a secret.
            words = f"{type(error).__name__}: {error}"
            raise DeliveryError(self.clean(words), permanent=False) from None
        finally:
            limit.close()

    def _wish_s(self, headers: Mapping[str, str]) -> float | None:
        named = {name.lower(): value for name, value in headers.items()}
        wish = retry_after_ms(named.get("retry-after"), self._clock(), LONGEST_WISH_MS)
        return None if wish is None else wish / SECOND_MS


class _Client(WebhookClient):
    """The library's client over an opener of ours."""

    opener: OpenerDirector

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        try:
            answer = self.opener.open(req, timeout=self.timeout)
        except HTTPError as error:
            answer = error
        with answer:
            raw = answer.read(LARGEST_ANSWER)
            body = raw.decode(answer.headers.get_content_charset() or "utf-8", "replace")
            return WebhookResponse(
                url=url, status_code=answer.status, body=body, headers=dict(answer.headers.items())
            )


def _says_taken(body: str) -> bool:
    """Whether it is a webhook's own success: Slack's `ok`, or in JSON, as others say it."""
    told = _decoded(body)
    return body.strip() == "ok" or any(told.get(key) is True for key in ("ok", "success"))


def _is_of_a_webhook(body: str) -> bool:
    """Whether a webhook can have said it: one word such as `no_text`, or JSON."""
    return _WORD.fullmatch(body.strip()) is not None or bool(_decoded(body))


def _decoded(body: str) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _blocks(notification: Notification, delivery_id: str) -> list[Content]:
    head = [_header(notification), _mrkdwn(_lead(notification))]
    foot = [_context(notification, delivery_id)]
    room = MOST_TOGETHER - _size(head) - _size(foot) - _ROOM_FOR_THE_REST
    if notification.bundled:
        return [head[0], *_bundled(notification, room), *foot]
    prints = _prints(notification, room)
    left_out = notification.earlier_prints + len(notification.prints) - len(prints)
    more = [_note(f"and {left_out} earlier")] if left_out and prints else []
    divider: list[Content] = [{"type": "divider"}] if prints else []
    return [*head, *divider, *prints, *more, *foot][:MOST_BLOCKS]


def _bundled(notification: Notification, room: int) -> list[Content]:
    """One line an alert, as many as there is room for, and how many more there are."""
    lines: list[str] = []
    for alert in notification.bundled:
        line = f"{_sign(alert)} {_within(wording.bundled_line(alert), 350, _running)}"
        room -= len(json.dumps(line, ensure_ascii=False)) + 2
        if room < 0:
            break
        lines.append(line)
    texts = [""]
    for line in lines:
        if wording.units(texts[-1]) + wording.units(line) >= LONGEST_TEXT:
            texts.append("")
        texts[-1] += f"{line}\n"
    left_out = len(notification.bundled) - len(lines)
    more = [_note(f"and {left_out} more")] if left_out else []
    page = [_mrkdwn(link)] if (link := _page_link(notification)) else []
    return [*(_mrkdwn(text.rstrip()) for text in texts), *more, *page]


def _prints(notification: Notification, room: int) -> list[Content]:
    blocks: list[Content] = []
    for print_ in notification.prints[: MOST_BLOCKS - 5]:
        block = _mrkdwn(_print_text(print_, notification.time_zone))
        room -= _size([block])
        if room < 0:
            break
        blocks.append(block)
    return blocks


def _size(blocks: Iterable[Content]) -> int:
    return len(json.dumps(list(blocks), ensure_ascii=False))


def _header(notification: Notification) -> Content:
    text = _within(f"{_sign(notification)} {wording.headline(notification)}", LONGEST_HEADER, _escaped)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _sign(told: Notification | Bundled) -> str:
    return "✅" if told.reason is NotificationReason.RESOLVED else _SIGNS[told.severity]


def _page_link(notification: Notification) -> str:
    """The link to the page; empty where there is none, or one too long."""
    link = f"<{_escaped(notification.url)}|Open Layerline>" if notification.url else ""
    return link if len(link) <= LONGEST_LINK else ""


def _lead(notification: Notification) -> str:
    who = _within(wording.one_line(notification.printer or "") or "the farm", 350, _code)
    labels = wording.printer_labels(notification)
    lines = [
        f"*Printer* {who}" + (f"  {_within(labels, 350, _code)}" if labels else ""),
    ]
    sentences = (notification.resolution, notification.summary)
    lines += [_within(wording.one_line(words), 700, _running) for words in sentences if words]
    if link := _page_link(notification):
        lines.append(link)
    return "\n".join(lines)


def _print_text(print_: Print, time_zone: str) -> str:
    sign = _OUTCOME_SIGNS[print_.outcome or Outcome.UNKNOWN]
    facts = [f"*{_escaped(wording.outcome(print_))}*"]
    if reason := wording.reason(print_):
        facts.append(_escaped(reason))
    facts.append(f"printed {wording.duration(print_.printing_ms)}")
    lines = [f"{sign} {' · '.join(facts)}", _within(wording.file_name(print_), 600, _code)]
    if detail := wording.detail(print_):
        lines.append(_within(detail, 900, _code))
    if period := _period(print_, time_zone):
        lines.append(period)
    return "\n".join(lines)


def _period(print_: Print, time_zone: str) -> str:
    """Begin and end, shown by Slack on the clock of whoever reads."""
    moments = [_moment(at, time_zone) for at in (print_.started_ms, print_.ended_ms) if at is not None]
    return " – ".join(moments)


def _moment(at_ms: int, time_zone: str) -> str:
    fallback = wording.local_time(at_ms, time_zone)
    return f"<!date^{at_ms // SECOND_MS}^{{date_short_pretty}} {{time}}|{_escaped(fallback)}>"


def _context(notification: Notification, delivery_id: str) -> Content:
    since = _moment(notification.fired_ms, notification.time_zone)
    return _note(
        f"Layerline · {_escaped(notification.rule)} · since {since} · message {_escaped(delivery_id)}"
    )


def _mrkdwn(text: str) -> Content:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _note(text: str) -> Content:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_MARKS = str.maketrans({mark: f"\u2060{mark}\u2060" for mark in "*_~`"})
"""A word joiner on either side keeps Slack from reading a sign as the mark of bold, italic, …"""


def _running(text: str) -> str:
    """Text of ours that may quote a name, as ordinary text."""
    return _escaped(text).translate(_MARKS)


def _code(text: str) -> str:
    """A name as code, where Slack reads no marks."""
    return f"`{_escaped(text).replace('`', 'ʼ')}`"


def _within(text: str, limit: int, written: Callable[[str], str]) -> str:
    """The text as `written` puts it, clipped so that with all escapes it keeps within `limit`."""
    room = limit
    while (excess := wording.units(result := written(wording.clipped(text, room))) - limit) > 0:
        room -= max(1, excess // 5)
    return result


NOTIFIER = SlackNotifier
