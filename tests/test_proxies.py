import pytest

from actors.proxies import ProxyRefused, proxy_for

PROXY = "http://proxy.example:3128"


def of(url: str, **variables: str) -> str | None:
    proxy = proxy_for(url, variables)
    return None if proxy is None else proxy.url


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/book",
        "ws://127.4.5.6/ws",
        "https://localhost",
        "wss://LOCALHOST./ws",
        "http://exchange.localhost:1",
        "ws://[::1]:7000/ws",
    ],
)
def test_this_host_is_never_reached_through_a_proxy(url: str) -> None:
    everything = {f"{each}_proxy": PROXY for each in ("http", "https", "all")}
    assert of(url, **everything) is None


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://venue.example/time", "http://plain:1"),
        ("ws://venue.example/ws", "http://plain:1"),
        ("https://venue.example", "http://tls:2"),
        ("wss://venue.example:7443/ws", "http://tls:2"),
    ],
)
def test_a_websocket_goes_the_way_of_http(url: str, proxy: str) -> None:
    own = {"HTTP_PROXY": "http://plain:1", "HTTPS_PROXY": "http://tls:2", "ALL_PROXY": PROXY}
    assert of(url, **own) == proxy
    assert of(url, ALL_PROXY="http://all:3") == "http://all:3"
    assert of(url) is None


def test_the_lower_case_name_goes_first_and_set_to_nothing_hides_the_other() -> None:
    url = "https://venue.example"
    assert of(url, HTTPS_PROXY="http://a:1", https_proxy="http://b:2") == "http://b:2"
    assert of(url, HTTPS_PROXY="http://a:1", https_proxy=" ") is None
    assert of(url, HTTPS_PROXY="http://a:1", no_proxy="", NO_PROXY="*") == "http://a:1"


@pytest.mark.parametrize(
    ("entry", "is_direct"),
    [
        ("*", True),
        ("venue.example", True),
        ("other.example, VENUE.example", True),
        ("other.example venue.example", True),
        (".example", True),
        ("*.example", True),
        ("example:8443", True),
        ("venue.example:443", False),
        ("nue.example", False),
        ("other.example", False),
        (",", False),
        (".", False),
        ("10.0.0.0/8", False),
    ],
)
def test_no_proxy_exempts_hosts_and_what_is_below_them(entry: str, is_direct: bool) -> None:
    found = of("wss://venue.example:8443/ws", ALL_PROXY=PROXY, NO_PROXY=entry)
    assert (found is None) is is_direct


def test_no_proxy_exempts_addresses_and_networks() -> None:
    assert of("http://10.1.2.3", ALL_PROXY=PROXY, NO_PROXY="10.0.0.0/8") is None
    assert of("http://10.1.2.3", ALL_PROXY=PROXY, NO_PROXY="10.1.2.3") is None
    assert of("http://10.1.2.3", ALL_PROXY=PROXY, NO_PROXY="10.1.2.3:80") is None
    assert of("http://11.1.2.3", ALL_PROXY=PROXY, NO_PROXY="10.0.0.0/8") == PROXY
    assert of("https://[2001:db8::1]", ALL_PROXY=PROXY, NO_PROXY="2001:db8::/32") is None


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("proxy.example:3128", PROXY),
        ("proxy.example", "http://proxy.example:80"),
        ("http://user:pass@proxy.example:3128/", "http://user:pass@proxy.example:3128"),
        ("HTTP://proxy.example:3128", PROXY),
    ],
)
def test_a_proxy_is_read_in_the_ways_in_which_people_write_it(value: str, url: str) -> None:
    assert of("https://venue.example", HTTPS_PROXY=value) == url


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("socks5://user:sesame@proxy.example:1080", "HTTPS_PROXY names a socks5:// proxy; only "),
        ("https://proxy.example:3128", "HTTPS_PROXY names a https:// proxy; only "),
        ("http://", "must be http://host:port"),
        ("http://proxy.example:0", "must be http://host:port"),
        ("http://proxy.example:sesame", "its address is malformed"),
        ("http://[sesame", "its address is malformed"),
        ("http://proxy.example/sesame", "must be http://host:port"),
        ("http://sesame@proxy.example", "both a user and a password"),
        ("http://user:ses%61me@proxy.example", "an escaped character"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_in_a_sentence_without_secrets(
    value: str, why: str
) -> None:
    with pytest.raises(ProxyRefused) as refused:
        of("wss://venue.example/ws", HTTPS_PROXY=value)
    sentence = str(refused.value)
    assert why in sentence
    assert sentence.startswith("HTTPS_PROXY")
    assert "sesame" not in sentence
    assert of("ws://127.0.0.1/ws", HTTP_PROXY=value) is None


def test_a_proxy_is_shown_without_its_password() -> None:
    proxy = proxy_for("https://venue.example", {"ALL_PROXY": "http://user:sesame@px:3128"})
    assert proxy is not None
    assert (proxy.variable, proxy.host) == ("ALL_PROXY", "px:3128")
    assert "sesame" not in repr(proxy)
