"""Transcripts: what a device says, and what the server does."""

import pytest
from tests.builders.talk import DEVICE, OLD_HELLO, UNIX_S, Talk, connected, make_hello, words

from roadstead.gateway import call_rules, conversation
from roadstead.gateway.effects import Ask, PublishEvent, Purpose, Respond, StoreApplication
from roadstead.gateway.event_rules import tell_consent
from roadstead.gateway.state import DeviceState
from roadstead.protocol.coap import codes
from roadstead.protocol.coap.blockwise import Block
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.messages.classic_update import chunk_missed
from roadstead.protocol.messages.describe import (
    FORMAT_PROTOBUF,
    Describe,
    DescribeAnswer,
    DescribeFlag,
    describe_answer,
    encode_describe,
)
from roadstead.protocol.messages.function import function_result
from roadstead.protocol.messages.goodbye import Goodbye, encode_goodbye
from roadstead.protocol.messages.ledger import (
    Ledger,
    LedgerOperation,
    LedgerRequest,
    encode_ledger_request,
)
from roadstead.protocol.messages.module_protobuf import encode_modules
from roadstead.protocol.messages.time import time_request
from roadstead.protocol.messages.update import UpdateAck, update_ack
from roadstead.protocol.messages.variable import variable_response
from roadstead.protocol.messages.vitals import encode_vitals

APPLICATION = b'{"f":["led"],"v":{"t":9}}'
LONG_APPLICATION = b'{"f":["led"' + b',"%s"' % (b"x" * 60) * 20 + b'],"v":{}}'
ONLINE = ["publish system spark/status=b'online'"]
LEFT = ["offline", "publish system spark/status=b'offline'"]


def describe(flag: DescribeFlag, payload: bytes, **more: object) -> Draft:
    return encode_describe(Describe(flag, payload, **more))


def test_a_hello_is_acknowledged_after_it_is_kept_and_before_anything_else() -> None:
    assert Talk().hello() == [
        "store hello",
        "> ack",
        "> tell h",
        "> online by handshake",
        "> publish system spark/status=b'online'",
        "> report hello",
        "> ask vitals ?04",
    ]


def test_a_device_of_1_5_is_asked_for_everything_in_one() -> None:
    assert Talk().hello(OLD_HELLO)[-2:] == ["> ask describe", "> ask vitals ?04"]


def test_a_newer_device_that_posts_no_describes_is_asked_for_each_alone() -> None:
    asked = Talk().hello(make_hello(flags=0))[-3:]
    # It does not say whether it consents to updates, so the Hello is the moment to look.
    assert asked == ["> ask describe ?01", "> ask describe ?02", "> seek update: handshake"]


def test_a_second_hello_tells_the_offline_that_nobody_saw() -> None:
    talk = connected()
    assert talk.hello()[3:6] == [
        "> publish system spark/status=b'offline'",
        "> online",
        "> publish system spark/status=b'online'",
    ]


def test_a_hello_for_another_device_closes_the_session() -> None:
    [close] = Talk().hello(make_hello(device_id=bytes.fromhex("ff" * 12)))
    assert close.startswith("close: ")


def test_a_nameless_hello_of_an_unknown_key_closes_the_session() -> None:
    [close] = Talk(DeviceState("", None)).hello(make_hello(device_id=b""))
    assert close.startswith("close: ")


def test_a_broken_hello_is_not_answered() -> None:
    assert Talk().says(Draft(codes.POST, ((11, b"h"),), b"123")) == ["count malformed"]


def test_nothing_is_answered_before_the_hello() -> None:
    talk = Talk()
    assert talk.event("temp", b"1") == ["count ignored_requests"]
    assert conversation.on_ping(talk.state) == []
    assert not talk.state.online


def test_the_time_is_the_only_2_05() -> None:
    [answer] = connected().effects(time_request(), token=b"a")
    assert isinstance(answer, Respond)
    assert answer.draft == Draft(0x45, (), UNIX_S.to_bytes(4, "big"))


def test_an_event_is_acknowledged_by_its_commit() -> None:
    talk = connected()
    [publish] = talk.effects(Draft(2, ((11, b"E"), (11, b"a/b")), b"x"))
    assert isinstance(publish, PublishEvent)
    assert publish.receipt is not None
    assert (publish.name, publish.payload, publish.ttl_s) == ("a/b", b"x", 60)


@pytest.mark.parametrize(
    ("name", "payload", "code"),
    [
        ("x" * 65, b"", "4.00"),
        ("bad\nname", b"", "4.00"),
        ("big", b"x" * 1025, "4.13"),
        ("spark/status", b"offline", "4.03"),
        ("spark/flash/status", b"success ", "4.03"),
    ],
)
def test_an_event_over_its_limits_is_refused_in_the_acknowledgement(
    name: str, payload: bytes, code: str
) -> None:
    assert connected().event(name, payload) == [f"answer {code}", "count events_refused"]


def test_the_claim_code_is_a_secret_and_never_published() -> None:
    assert connected().event("spark/device/claim/code", b"c" * 63) == [
        "claim by ccc…, then ask event spark/device/claim/success"
    ]


def test_a_malformed_claim_code_is_acknowledged_and_not_looked_up() -> None:
    for payload in (b"", b"c" * 62, b"\xff" * 64):
        assert connected().event("spark/device/claim/code", payload) == [
            "ack",
            "count claim_codes_refused",
        ]


def test_last_reset_is_published_as_the_device_says_it() -> None:
    assert connected().event("spark/device/last_reset", b"panic, hard_fault") == [
        "publish device spark/device/last_reset=b'panic, hard_fault'"
    ]


def test_a_device_is_told_its_name_address_and_random_bytes_alone() -> None:
    talk = connected()
    for prefix in ("spark", "particle"):
        for fact in ("name", "ip", "random"):
            name = f"{prefix}/device/{fact}"
            assert talk.event(name) == ["ack", f"tell fact {fact} by {name}"]


def test_consent_is_kept_and_a_moment_to_look_for_updates() -> None:
    talk = connected()
    name = "particle/device/updates/enabled"
    publish = f"publish device {name}=b'true'"
    assert talk.event(name, b"true") == [
        "store flags enabled=True forced=None",
        "> " + publish,
        "> seek update: handshake",
    ]
    assert talk.event(name, b"true") == [publish, "seek update: resumed"]
    assert talk.event(name, b"maybe") == [f"publish device {name}=b'maybe'"]


def test_a_device_that_agrees_at_last_is_looked_at_at_once() -> None:
    talk = connected()
    for name in ("particle/device/updates/enabled", "particle/device/updates/forced"):
        talk.event(name, b"false")
        assert talk.event(name, b"true")[-1] == "> seek update: agreed"
    assert talk.event("particle/device/updates/forced", b"true")[-1].startswith("publish")


def test_update_flags_sent_to_a_device_are_never_empty() -> None:
    told = tell_consent(connected().state, forced=False, pending=True)
    assert [(ask.purpose.name, ask.draft.payload) for ask in told if isinstance(ask, Ask)] == [
        ("particle/device/updates/forced", b"false"),
        ("particle/device/updates/pending", b"true"),
    ]


def test_an_old_device_without_update_flags_is_told_nothing() -> None:
    talk = connected(make_hello(flags=0x20))
    assert tell_consent(talk.state, forced=True, pending=True) == []


def test_what_a_device_says_of_its_update_goes_to_the_transfer() -> None:
    talk = connected()
    assert talk.says(update_ack(UpdateAck(3, (5, 6)))) == ["ack", "feed update"]
    assert talk.says(chunk_missed((1, 2))) == ["ack", "feed update"]
    purpose = Purpose("update", exchange=4)
    answer = Message(0, codes.CHANGED, 1, b"a", (), b"")
    assert words(conversation.on_response(talk.state, purpose, answer)) == [
        "answer of update message 4"
    ]
    assert words(conversation.on_failed(talk.state, purpose, "timeout", heard_since=True)) == [
        "count asks_failed",
        "update message 4 failed: timeout",
    ]


def test_safe_mode_is_published_and_shown() -> None:
    talk = connected()
    assert talk.event("spark/device/safemode") == [
        "publish device spark/device/safemode=None",
        "safe mode",
    ]
    assert talk.state.safe_mode
    talk.hello()
    assert not talk.state.safe_mode


def test_facts_of_old_hardware_are_added_to_its_hello() -> None:
    talk = connected(OLD_HELLO)
    assert talk.event("spark/hardware/max_binary", b"122880") == ["store facts", "> ack"]
    assert talk.event("spark/hardware/max_binary", b"122880") == ["ack"]
    assert talk.event("spark/hardware/ota_chunk_size", b"512") == ["store facts", "> ack"]
    assert talk.event("spark/hardware/max_binary", b"9" * 40) == ["ack"]
    assert (talk.state.hello.max_binary_bytes, talk.state.hello.ota_chunk_bytes) == (122880, 512)


def test_a_subscription_is_acknowledged_after_it_is_kept() -> None:
    assert connected().subscribes("alarm") == ["store subscriptions", "> ack"]


def prefixes(talk: Talk) -> list[str]:
    return [one.prefix for one in talk.state.subscriptions]


def test_a_list_of_subscriptions_begins_anew_with_particle() -> None:
    talk = connected()
    for prefix in ("particle", "spark", "a", "b", "a"):
        talk.subscribes(prefix)
    assert prefixes(talk) == ["particle", "spark", "a", "b"]
    for prefix in ("particle", "spark", "c"):
        talk.subscribes(prefix, message_id=talk.message_id + 1000)
    assert prefixes(talk)[0] == "particle"
    assert "a" not in prefixes(talk)


def test_filters_that_overtake_the_beginning_of_their_list_are_kept() -> None:
    talk = connected()
    talk.subscribes("particle", message_id=60000)
    talk.subscribes("old", message_id=60001)
    for message_id, prefix in ((0xFFFF, "spark"), (0, "new"), (0xFFFE, "particle")):
        talk.subscribes(prefix, message_id=message_id)
    assert prefixes(talk) == ["particle", "spark", "new"]


def test_the_list_of_an_old_device_begins_anew_with_spark() -> None:
    talk = connected(OLD_HELLO)
    for prefix in ("spark", "a", "b"):
        talk.subscribes(prefix)
    talk.subscribes("spark", message_id=1000)
    talk.subscribes("c")
    assert prefixes(talk) == ["spark", "c"]


def test_a_hello_clears_the_subscriptions() -> None:
    talk = connected()
    talk.subscribes("a")
    talk.hello()
    assert talk.state.subscriptions == ()


def test_a_device_cannot_pile_up_subscriptions() -> None:
    talk = connected()
    answers = [talk.subscribes(f"f{number}") for number in range(40)]
    assert answers[-1] == ["answer 4.00", "count ignored_requests"]
    assert len(talk.state.subscriptions) == 32


def test_describes_are_acknowledged_after_they_are_kept() -> None:
    talk = connected()
    modules = encode_modules({"m": [{"f": "u", "n": "1", "v": 6}]})
    assert talk.says(describe(DescribeFlag.SYSTEM, modules, content_format=FORMAT_PROTOBUF)) == [
        "store system",
        "> ack",
    ]
    assert talk.says(describe(DescribeFlag.APPLICATION, APPLICATION)) == [
        "store application",
        "> ack",
    ]
    assert talk.state.functions == ("led",)
    assert talk.state.variables == {"t": "double"}
    assert talk.state.description["p"] == 32


def test_a_describe_in_blocks_is_put_together_and_kept_once() -> None:
    talk = connected()
    first, second = LONG_APPLICATION[:1024], LONG_APPLICATION[1024:]

    def block(number: int, more: bool, content: bytes) -> list[str]:
        return talk.says(
            describe(DescribeFlag.APPLICATION, content, block=Block(number, more, 6)),
            token=bytes((number,)),
        )

    assert block(1, False, second) == ["answer 4.08", "count malformed"]
    assert block(0, True, first) == ["answer 2.31"]
    assert block(1, False, second) == ["store application", "> ack"]
    assert len(talk.state.functions) == 21
    assert talk.state.uploads == {}


def test_an_unreadable_describe_is_acknowledged_or_the_device_would_give_up() -> None:
    assert connected().says(describe(DescribeFlag.APPLICATION, b"{")) == ["ack", "count malformed"]


def test_posted_vitals_are_acknowledged_after_they_are_kept() -> None:
    payload = encode_vitals([(6, 99, False)])
    assert connected().says(describe(DescribeFlag.METRICS, payload)) == ["store vitals"]


def test_an_old_device_answers_everything_in_one_document() -> None:
    talk = connected(OLD_HELLO)
    combined = b'{"f":["led"],"v":{"t":2},"p":10,"m":[{"f":"u","u":"ab"}]}'
    purpose = Purpose("describe")
    assert talk.answers(purpose, Draft(codes.CONTENT, (), combined)) == [
        "store application",
        "store system",
    ]
    assert talk.state.variables == {"t": "int32"}


def test_a_describe_answered_in_blocks_is_asked_for_to_its_end() -> None:
    talk = connected()
    purpose = Purpose("describe", flag=DescribeFlag.APPLICATION)
    body = LONG_APPLICATION
    first = describe_answer(DescribeAnswer(body[:1024], None, Block(0, True, 6), b"e"))
    last = describe_answer(DescribeAnswer(body[1024:], None, Block(1, False, 6), b"e"))
    assert talk.answers(purpose, first) == ["ask describe ?02"]
    assert talk.answers(purpose, last) == ["store application"]
    assert len(talk.state.functions) == 21


def test_goodbye_is_offline_at_once_and_only_once() -> None:
    talk = connected()
    goodbye = encode_goodbye(Goodbye(cloud_reason=6, sleep_s=600))
    assert talk.says(goodbye) == ["ack", *LEFT]
    assert talk.says(goodbye) == ["ack"]


def test_a_device_heard_again_on_its_session_is_online_without_a_handshake() -> None:
    talk = connected()
    talk.says(encode_goodbye(Goodbye()))
    assert words(conversation.on_ping(talk.state)) == ["online", *ONLINE, "seek update: heard"]
    assert conversation.on_ping(talk.state) == []
    words(conversation.on_silence(talk.state))
    heard = ["online", *ONLINE, "seek update: heard"]
    assert talk.event("back", b"") == [*heard, "publish device back=None"]


def test_silence_is_offline_once() -> None:
    talk = connected()
    assert words(conversation.on_silence(talk.state)) == LEFT
    assert conversation.on_silence(talk.state) == []


def test_a_failed_request_takes_a_device_offline_if_nothing_else_was_heard() -> None:
    talk = connected()
    purpose = Purpose("event")
    heard = conversation.on_failed(talk.state, purpose, "timeout", heard_since=True)
    assert words(heard) == ["count asks_failed"]
    silent = conversation.on_failed(talk.state, purpose, "timeout", heard_since=False)
    assert words(silent) == ["count asks_failed", *LEFT]


def test_ledgers_are_answered_politely() -> None:
    talk = connected()

    def ask(operation: LedgerOperation, *ledgers: Ledger) -> list[str]:
        payload = encode_ledger_request(LedgerRequest(operation, ledgers))
        return talk.says(Draft(codes.POST, ((11, b"L"),), payload), token=b"a")

    assert ask(LedgerOperation.GET_INFO, Ledger("settings")) == ["answer 2.04"]
    assert ask(LedgerOperation.SUBSCRIBE) == ["answer 2.04"]
    assert ask(LedgerOperation.SET_DATA, Ledger("settings", document=b"\xa0")) == ["answer 4.04"]
    assert talk.says(Draft(codes.POST, ((11, b"L"),), b"\xff"))[0] == "answer 4.00"


def test_unknown_requests_are_answered_and_counted() -> None:
    assert connected().says(Draft(codes.POST, ((11, b"z"),))) == [
        "answer 4.04",
        "count ignored_requests",
    ]


def test_a_stranger_is_answered_and_nothing_of_it_is_kept() -> None:
    talk = Talk(DeviceState("", None))
    assert talk.hello() == ["store hello", "> ack", "> tell h", "> online by handshake"]
    assert talk.state.device_id == DEVICE
    assert talk.says(describe(DescribeFlag.APPLICATION, APPLICATION)) == ["ack"]
    assert talk.subscribes("alarm") == ["ack"]
    assert talk.event("temp", b"1") == ["answer 4.03", "count events_quarantined"]
    assert talk.says(encode_goodbye(Goodbye())) == ["ack", "offline"]


def test_a_quarantined_device_is_seen_and_its_events_go_to_nobody() -> None:
    talk = connected(quarantined=True)
    assert talk.state.online
    assert talk.event("temp", b"1") == ["answer 4.03", "count events_quarantined"]
    assert talk.says(describe(DescribeFlag.APPLICATION, APPLICATION))[0] == "store application"


def ready() -> Talk:
    talk = connected()
    talk.says(
        describe(
            DescribeFlag.APPLICATION,
            b'{"f":["led"],"v":{"b":1,"i":2,"s":4,"d":9}}',
        )
    )
    return talk


def test_a_function_is_asked_with_its_argument_and_answers_a_number() -> None:
    talk, call = ready(), object()
    [ask] = call_rules.call_function(talk.state, call, "led", "")
    assert ask.draft.options == ((11, b"f"), (11, b"led"), (15, b""))
    assert ask.token
    assert talk.answers(ask.purpose, function_result(-5)) == ["result -5"]


def test_unknown_names_and_long_arguments_never_reach_the_device() -> None:
    talk, call = ready(), object()
    assert words(call_rules.call_function(talk.state, call, "nope", "")) == [
        "error function_not_found"
    ]
    assert words(call_rules.read_variable(talk.state, call, "led")) == ["error variable_not_found"]
    assert words(call_rules.call_function(talk.state, call, "led", "x" * 1025)) == [
        "error argument_too_long"
    ]
    assert words(call_rules.call_function(talk.state, call, "led", "x" * 1024)) == [
        "ask function led?" + "78" * 1024
    ]


def test_a_device_of_1_5_takes_622_bytes_of_argument() -> None:
    talk = connected(OLD_HELLO)
    talk.state.functions = ("f",)
    limit = [
        words(call_rules.call_function(talk.state, None, "f", "x" * length))[0][:5]
        for length in (622, 623)
    ]
    assert limit == ["ask f", "error"]


@pytest.mark.parametrize(
    ("name", "value"), [("b", True), ("i", -7), ("s", "idle"), ("d", 20.5), ("s", "")]
)
def test_a_variable_is_read_in_its_type(name: str, value: object) -> None:
    talk = ready()
    [ask] = call_rules.read_variable(talk.state, None, name)
    assert talk.answers(ask.purpose, variable_response(value)) == [f"result {value!r}"]


def test_error_answers_become_errors_with_names() -> None:
    talk = ready()
    variable = Purpose("variable", name="i", value_type="int32")
    assert talk.answers(variable, Draft(codes.NOT_FOUND)) == ["error variable_not_found"]
    assert talk.answers(variable, Draft(codes.INTERNAL_SERVER_ERROR)) == ["error device_error"]
    assert talk.answers(variable, Draft(codes.CONTENT, (), b"123")) == ["error device_error"]
    assert talk.answers(Purpose("function", name="led"), Draft(codes.CHANGED)) == [
        "error device_error"
    ]


def test_nobody_asks_a_device_that_is_away() -> None:
    talk = ready()
    talk.says(encode_goodbye(Goodbye()))
    asks = [
        call_rules.call_function(talk.state, None, "led", ""),
        call_rules.read_variable(talk.state, None, "i"),
        call_rules.signal(talk.state, None, True),
        call_rules.ping(talk.state, None),
        call_rules.request_vitals(talk.state, None),
    ]
    assert [words(effects) for effects in asks] == [["error device_offline"]] * 5


def test_vitals_that_were_asked_for_let_the_call_return_after_they_are_kept() -> None:
    talk, call = ready(), object()
    [ask] = call_rules.request_vitals(talk.state, call)
    answer = describe_answer(DescribeAnswer(encode_vitals([(6, 9, False)])))
    assert talk.answers(ask.purpose, answer) == ["store vitals"]
    assert talk.answers(ask.purpose, Draft(codes.CONTENT, (), b"?")) == [
        "count malformed",
        "error device_error",
    ]
    assert talk.answers(ask.purpose, Draft(codes.INTERNAL_SERVER_ERROR)) == [
        "count malformed",
        "error device_error",
    ]


def test_failures_have_names() -> None:
    talk = ready()
    purpose = Purpose("function", object(), "led")
    told = {
        reason: words(conversation.on_failed(talk.state, purpose, reason, heard_since=True))[1]
        for reason in ("timeout", "busy", "reset")
    }
    assert told == {
        "timeout": "error timed_out",
        "busy": "error device_busy",
        "reset": "error device_refused",
    }


def test_a_signal_and_a_ping_succeed_by_their_acknowledgements() -> None:
    talk = ready()
    assert talk.answers(Purpose("signal", object()), Draft(codes.CHANGED)) == ["result None"]
    assert words(conversation.on_acknowledged(Purpose("ping", object()))) == ["result True"]
    assert conversation.on_acknowledged(Purpose("function", object())) == []


def test_what_is_stored_of_an_application_is_what_it_said() -> None:
    talk = connected()
    [stored] = talk.effects(describe(DescribeFlag.APPLICATION, APPLICATION))
    assert isinstance(stored, StoreApplication)
    assert (stored.functions, stored.variables) == (("led",), {"t": "double"})
