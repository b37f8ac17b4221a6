from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors.series import ASSETS, LENGTHS, SeriesSettings, series_named, series_of, slug_part


def at_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("utc", "slug"),
    [
        ("2026-11-28T14:00", "bitcoin-up-or-down-november-28-2026-9am-et"),
        ("2026-07-04T04:00", "bitcoin-up-or-down-july-4-2026-12am-et"),
        ("2026-07-04T16:00", "bitcoin-up-or-down-july-4-2026-12pm-et"),
        # 2026: from March 8, 2 am, to November 1, 2 am
        ("2026-03-08T06:00", "bitcoin-up-or-down-march-8-2026-1am-et"),
        ("2026-03-08T07:00", "bitcoin-up-or-down-march-8-2026-3am-et"),
        ("2026-11-01T05:00", "bitcoin-up-or-down-november-1-2026-1am-et"),
        ("2026-11-01T07:00", "bitcoin-up-or-down-november-1-2026-2am-et"),
        ("2027-01-01T03:00", "bitcoin-up-or-down-december-31-2026-10pm-et"),
    ],
)
def test_hourly_windows_are_named_by_the_new_york_clock(utc: str, slug: str) -> None:
    assert SeriesSettings(asset="btc", window_minutes=60).slug(at_ms(utc)) == slug


@pytest.mark.parametrize("asset", ASSETS)
@pytest.mark.parametrize("label", LENGTHS.values())
def test_a_slug_tells_its_series_and_is_found_by_it(asset: str, label: str) -> None:
    name = f"{asset}-{label}"
    slug = series_named(name).slug(at_ms("2026-11-28T16:00"))

    assert series_of(slug) == name
    assert slug.startswith(slug_part(name))


@pytest.mark.parametrize(
    "slug", ["bitcoin-up-or-down-november-28", "pepe-up-or-down-may-1-2026-9am-et", "btc", ""]
)
def test_other_slugs_are_of_no_series(slug: str) -> None:
    assert series_of(slug) == ""


@pytest.mark.parametrize("name", ["btc", "btc-7m", "pepe-5m", "btc-15m-5m", ""])
def test_other_names_name_no_series(name: str) -> None:
    with pytest.raises(ValueError, match="is not a series"):
        series_named(name)
