from roadstead.identity import token_cache
from roadstead.identity.model import Actor
from roadstead.identity.token_cache import MAX_AGE_S, TokenCache, TokenFacts


def make_facts(digest: bytes = b"d", user_id: str = "u") -> TokenFacts:
    return TokenFacts(Actor(user_id, "jo@example.com", client_id="particle"), digest, None)


def test_facts_are_found_until_they_are_old():
    cache = TokenCache()
    cache.put(make_facts(), 100.0, epoch=cache.epoch)
    assert cache.find(b"d", 100.0 + MAX_AGE_S) == make_facts()
    assert cache.find(b"d", 100.1 + MAX_AGE_S) is None


def test_a_revoked_token_is_gone_and_others_stay():
    cache = TokenCache()
    cache.put(make_facts(b"1"), 0.0, epoch=0)
    cache.put(make_facts(b"2"), 0.0, epoch=0)
    cache.drop_token(b"1")
    assert cache.find(b"1", 0.0) is None
    assert cache.find(b"2", 0.0) is not None


def test_a_changed_user_loses_all_entries():
    cache = TokenCache()
    cache.put(make_facts(b"1", "jo"), 0.0, epoch=0)
    cache.put(make_facts(b"2", "jo"), 0.0, epoch=0)
    cache.put(make_facts(b"3", "mo"), 0.0, epoch=0)
    cache.drop_user("jo")
    assert [cache.find(digest, 0.0) is None for digest in (b"1", b"2", b"3")] == [True, True, False]


def test_facts_read_before_a_revocation_are_not_kept_after_it():
    cache = TokenCache()
    epoch_of_reading = cache.epoch
    cache.drop_token(b"d")
    cache.put(make_facts(), 0.0, epoch=epoch_of_reading)
    assert cache.find(b"d", 0.0) is None


def test_the_oldest_entry_makes_room(monkeypatch):
    monkeypatch.setattr(token_cache, "MAX_ENTRIES", 2)
    cache = TokenCache()
    for digest in (b"1", b"2", b"3"):
        cache.put(make_facts(digest), 0.0, epoch=0)
    assert len(cache) == 2
    assert cache.find(b"1", 0.0) is None
    cache.drop_user("u")
    assert len(cache) == 0
