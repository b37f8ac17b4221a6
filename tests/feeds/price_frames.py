"""Frames of the two price services, as the venue documents them."""

from __future__ import annotations

from typing import Any

from feed_builders import NOW_MS, frame

from actors.feeds.rtds import TWAP_TOPIC

AUTHED = frame(op="authed", rid="auth")
SUBSCRIBED = frame(op="subscribed", rid="subscribe", channel="price.crypto.twap")
PRICE_TEXT = "65026.457815"
PRICE_E18 = 65_026_457_815_000_000_000_000


def point(at_ms: int = NOW_MS, price: str = PRICE_TEXT) -> dict[str, Any]:
    return {"timestamp": at_ms, "value": 65026.4, "full_accuracy_value": price}


def bolt_frame(seq: int, at_ms: int = NOW_MS, price: str = PRICE_TEXT, **changed: Any) -> bytes:
    """An update of PolyBolt; ``changed`` fields are the payload's, ``dropped`` the frame's."""
    head = {"dropped": changed.pop("dropped")} if "dropped" in changed else {}
    about = {"symbol": "btcusd", "source": "chainlink", "window_seconds": 60}
    return frame(
        v=1,
        channel="price.crypto.twap",
        seq=seq,
        ts=at_ms + 5,
        snapshot=False,
        payload=about | point(at_ms, price) | changed,
        **head,
    )


def bolt_snapshot(seq: int, *points: object, **changed: Any) -> bytes:
    about = {"symbol": "btcusd", "source": "chainlink", "window_seconds": 60}
    return frame(
        v=1,
        channel="price.crypto.twap",
        seq=seq,
        ts=NOW_MS,
        snapshot=True,
        payload=about | {"data": points} | changed,
    )


def rtds_frame(at_ms: int = NOW_MS, price_e18: int = PRICE_E18) -> bytes:
    payload = {
        "symbol": "btc/usd",
        "timestamp": at_ms,
        "full_accuracy_value": str(price_e18),
        "window_s": 60,
    }
    return frame(topic=TWAP_TOPIC, type="update", timestamp=at_ms, payload=payload)


def rtds_history(times_ms: range, price_e18: int = PRICE_E18) -> bytes:
    data = [{"timestamp": at_ms, "full_accuracy_value": str(price_e18)} for at_ms in times_ms]
    payload = {"symbol": "btc/usd", "data": data}
    return frame(topic=TWAP_TOPIC, type="subscribe", timestamp=NOW_MS, payload=payload)
