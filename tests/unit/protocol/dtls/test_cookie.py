from roadstead.protocol.dtls.cookie import COOKIE_PERIOD_S, CookieJar

HERE, RANDOM = ("198.51.100.7", 40000), bytes(range(32))


def test_a_cookie_is_good_for_its_address_and_random_only() -> None:
    jar = CookieJar(b"s" * 16)
    cookie = jar.make(HERE, RANDOM, 1000.0)
    assert jar.accepts(cookie, HERE, RANDOM, 1000.0)
    assert not jar.accepts(cookie, ("198.51.100.7", 40001), RANDOM, 1000.0)
    assert not jar.accepts(cookie, ("198.51.100.8", 40000), RANDOM, 1000.0)
    assert not jar.accepts(cookie, HERE, bytes(32), 1000.0)
    assert not jar.accepts(b"", HERE, RANDOM, 1000.0)
    assert not jar.accepts(cookie[:-1], HERE, RANDOM, 1000.0)


def test_another_process_with_the_same_secret_accepts_it() -> None:
    cookie = CookieJar(b"s" * 16).make(HERE, RANDOM, 1000.0)
    assert CookieJar(b"s" * 16).accepts(cookie, HERE, RANDOM, 1010.0)
    assert not CookieJar(b"t" * 16).accepts(cookie, HERE, RANDOM, 1010.0)


def test_a_cookie_outlives_one_change_of_the_secret_and_no_second() -> None:
    jar = CookieJar(b"s" * 16)
    cookie = jar.make(HERE, RANDOM, COOKIE_PERIOD_S * 10 + 1)
    assert jar.accepts(cookie, HERE, RANDOM, COOKIE_PERIOD_S * 11 + 1)
    assert not jar.accepts(cookie, HERE, RANDOM, COOKIE_PERIOD_S * 12 + 1)
