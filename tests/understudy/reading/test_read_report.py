from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import attrs
import pytest
from chronicle import Chronicle, intent, pair, trade, window
from reading import printed, told, understudy

from actors.model import Action, Side
from actors.runtime.journal_file import prepare
from actors.units import shares
from understudy.processes.exit_codes import ExitCode


@pytest.fixture
def journal(chronicle: Chronicle) -> Path:
    """A gain, a loss with a leg left alone, a window nothing was done in, and an open one."""
    first, missed = intent(1), intent(2, side=Side.NO)
    chronicle.done(first, trade(first, better_ticks=10, is_maker=True))
    chronicle.done(missed)
    chronicle.settle(window(0))

    yes, no = pair(3, window(1))
    chronicle.create(yes, no)
    chronicle.end(yes, trade(yes))
    chronicle.end(no)
    chronicle.settle(window(1), winner=Side.NO, moved=-50)

    chronicle.settle(window(2))

    chronicle.open(window(3))
    resting = intent(5, market=window(3))
    chronicle.live(resting, trade(resting, 5))
    return chronicle.data_dir


# For programs


def test_the_total_is_the_sum_of_the_settled_windows(journal: Path) -> None:
    report = told(journal, "report")

    # 20 YES bought at 0.47 pay 20; 20 YES bought at 0.45 with a fee of 0.3465 pay nothing
    assert [each["pnl"] for each in report["windows"]] == ["10.6", "-9.3465", "0"]
    assert [each["total_pnl"] for each in report["windows"]] == ["10.6", "1.2535", "1.2535"]
    assert report["pnl"] == "1.2535"
    assert report["open_windows"] == ["btc-updown-15m-1750003200"]


def test_fees_are_those_of_open_windows_too(journal: Path) -> None:
    report = told(journal, "report")

    assert [each["fees"] for each in report["windows"]] == ["0", "0.3465", "0"]
    assert report["fees"] == "0.43386"


def test_the_fill_ratio_is_of_the_size_of_orders_that_have_ended(journal: Path) -> None:
    report = told(journal, "report")

    assert report["fill_ratio"] == {
        "orders": 4,
        "orders_with_fills": 2,
        "ordered": "80",
        "filled": "40",
    }
    assert set(report["fill_ratio_by_priority"]) == {"0", "2"}
    assert report["orders"] == {"CANCELLED": 2, "FILLED": 2, "PARTIALLY_FILLED": 1}


def test_price_improvement_is_what_was_saved_on_buys_and_gained_on_sales(
    chronicle: Chronicle,
) -> None:
    bought = intent(1)
    sold = intent(2, action=Action.SELL, price_ticks=300, size_units=shares(20))
    chronicle.done(bought, trade(bought, better_ticks=10))
    chronicle.done(sold, trade(sold, better_ticks=5))

    assert told(chronicle.data_dir, "report")["price_improvement"] == "0.3"


def test_leg_risk_names_the_pair_and_what_it_risked(journal: Path) -> None:
    risk = told(journal, "report")["leg_risk"]

    assert (risk["pairs"], risk["ends"]) == (1, {"kept to the end": 1})
    (pair_told,) = risk["one_legged"]
    assert pair_told == {
        "yes_order": "order_3_0badcafe",
        "no_order": "order_4_0badcafe",
        "slug": "btc-updown-15m-1750001400",
        "created": "2025-06-15T15:30:30.000Z",
        "yes_filled": "20",
        "no_filled": "0",
        "one_legged_ms": 869_500,
        "worst_size": "20",
        "worst": "9.3465",
        "end": "kept to the end",
    }
    assert (risk["longest_ms"], risk["worst"]) == (869_500, "9.3465")


def test_a_reversed_fill_is_in_no_number(chronicle: Chronicle) -> None:
    of = intent()
    fill = trade(of)
    chronicle.create(of)
    chronicle.book(of, fill, is_reversed=True)
    chronicle.settle(window())

    report = told(chronicle.data_dir, "report")

    assert (report["pnl"], report["fees"]) == ("0", "0")
    assert report["windows"][0]["fills"] == 0


# For people


@pytest.mark.parametrize("columns", [80, 140])
def test_people_read_windows_totals_and_sentences(journal: Path, columns: int) -> None:
    text = " ".join(printed(journal, "report", columns=columns).split())

    for words in (
        "1750000500 +50.00 Up 2 50% 0.00 +10.60 +10.60",
        "1750001400 -50.00 Down 2 50% -0.3465 -9.3465 +1.2535",
        "+1.2535 over 3 settled windows; 2 traded, 1 with a gain; 1 more without a result yet",
        "without a result yet: -0.08736 realized there so far",
        "-0.43386 on 2 fills as taker; 1 as maker",
        "50% of the shares ordered; 2 of 4 orders traded",
        "0.0044 a share better than the limit, +0.20 on 45 shares",
        "1 pair: 1 kept to the end; one-legged for a while: 1, at worst for 14m 29s and with $9.35",
        "order_3_0badcafe 20 0 9.35 20 14m 29s kept to the end",
    ):
        assert words in text


def test_the_table_shows_the_last_windows_and_counts_all(journal: Path) -> None:
    text = printed(journal, "report", "--last", "1")

    assert "1750000500" not in text
    assert "the newest 1 of 3: --last 0 shows all" in text
    assert "all 3" in text


def test_orders_without_a_settled_window_are_reported(chronicle: Chronicle) -> None:
    chronicle.done(intent())

    text = printed(chronicle.data_dir, "report")

    assert "no window has settled yet" in text
    assert "0% of the shares ordered" in text
    assert "no arbitrage pair was ordered" in text


def test_only_the_worst_pairs_are_listed_for_people(chronicle: Chronicle) -> None:
    for number in range(1, 25, 2):
        yes, no = pair(number, window())
        chronicle.create(yes, no)
        chronicle.end(yes, trade(yes, 5 + number % 7))
        chronicle.end(no)

    assert "2 more; all are in --json and --html" in printed(chronicle.data_dir, "report")
    assert len(told(chronicle.data_dir, "report")["leg_risk"]["one_legged"]) == 12


# The page


def test_without_a_page_the_plotting_library_is_not_loaded(journal: Path) -> None:
    code = (
        "import sys\nfrom understudy.cli import main\n"
        f"main(['report', '--data-dir', {str(journal)!r}], standalone_mode=False)\n"
        "assert 'matplotlib' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "path", "rect", "use"):
            self.open_tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "xlink:href", "src"):
                self.links.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open_tags and self.open_tags[-1] == tag:
            self.open_tags.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "rect", "use"):
            assert self.open_tags.pop() == tag


@pytest.fixture
def page(journal: Path, tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    result = understudy(journal, "report", "--html", str(path))
    assert result.exit_code == ExitCode.OK, result.output
    assert f"wrote {path}" in result.output
    return path.read_text(encoding="utf-8")


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    parsed = Page(page)

    assert parsed.open_tags == []
    assert not {"script", "link", "img", "iframe"} & set(parsed.tags)
    assert all(link.startswith("#") for link in parsed.links)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_everything_on_the_page_has_a_name_of_its_own(page: str) -> None:
    parsed = Page(page)

    assert len(parsed.ids) == len(set(parsed.ids))
    referenced = {link[1:] for link in parsed.links} | set(re.findall(r"url\(#([^)]+)\)", page))
    assert referenced <= set(parsed.ids)


def test_the_page_has_every_plot_in_the_colours_of_the_page(page: str) -> None:
    titles = re.findall(r'role="img" aria-label="([^"]+)"', page)

    assert titles.count("P&amp;L by window") == 2  # one for telephones
    assert [*dict.fromkeys(titles)] == [
        "P&amp;L by window",
        "Fees by window",
        "Fill ratio by priority",
        "Orders by status",
        "Price against limit",
    ]
    used = set(re.findall(r"var\(--([a-z]+)\)", page))
    defined = set(re.findall(r"--([a-z]+): #", page))
    assert used <= defined
    assert not re.search(r"#0[1-6]0[1-6]0[1-6]", page)


def test_the_page_holds_the_tables_numbers(page: str) -> None:
    for words in ("+1.2535", "-9.3465", "btc-updown-15m-1750001400", "order_3_0badcafe", "14m 29s"):
        assert words in page


def test_the_same_journal_gives_the_same_page(journal: Path, tmp_path: Path, page: str) -> None:
    again = tmp_path / "again.html"
    understudy(journal, "report", "--html", str(again))

    assert again.read_text(encoding="utf-8") == page


def test_an_empty_journal_gives_a_page_that_says_so(tmp_path: Path) -> None:
    prepare(tmp_path)
    path = tmp_path / "report.html"

    assert understudy(tmp_path, "report", "--html", str(path)).exit_code == ExitCode.OK

    assert "The journal is empty." in path.read_text(encoding="utf-8")


def test_what_is_recorded_cannot_become_part_of_the_page(chronicle: Chronicle) -> None:
    hostile = '<script>alert("x")</script>'
    of = intent(market=attrs.evolve(window(), slug=hostile))
    chronicle.done(of, trade(of))
    chronicle.settle(of.market)
    path = chronicle.data_dir / "report.html"

    understudy(chronicle.data_dir, "report", "--html", str(path))

    assert "<script" not in path.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_bad_input(journal: Path, tmp_path: Path) -> None:
    result = understudy(journal, "report", "--html", str(tmp_path / "nowhere" / "report.html"))

    assert result.exit_code == ExitCode.BAD_INPUT
    assert "nowhere" in result.output.splitlines()[-1]


def test_json_and_page_go_together(journal: Path, tmp_path: Path) -> None:
    path = tmp_path / "both.html"

    result = understudy(journal, "report", "--json", "--html", str(path))

    assert result.exit_code == ExitCode.OK
    assert path.exists()
