import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.coap.blockwise import Block, BlockReceiver, cut_block
from roadstead.protocol.coap.message import Draft, Message, decode_message
from roadstead.protocol.messages.application import (
    Application,
    encode_application,
    parse_application,
)
from roadstead.protocol.messages.describe import (
    Describe,
    DescribeAnswer,
    DescribeFlag,
    DescribeRequest,
    continue_options,
    decode_describe,
    decode_describe_answer,
    decode_describe_request,
    describe_answer,
    describe_request,
    encode_describe,
)
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.module_protobuf import decode_modules, encode_modules
from roadstead.protocol.messages.modules import (
    encode_combined,
    encode_modules_json,
    parse_modules,
)

USER_HASH = "ab" * 32
MODULES = {
    "imei": "352753090041680",
    "m": [
        {"f": "s", "n": "1", "v": 6200, "l": "m", "s": 700000, "vc": 30, "vv": 30,
         "d": [{"f": "b", "n": "0", "v": 3000}, {"f": "a", "n": "0", "v": 202}]},
        {"f": "u", "n": "2", "v": 6, "l": "m", "s": 256000, "vc": 30, "vv": 26, "u": USER_HASH,
         "d": [{"f": "s", "n": "1", "v": 6200}], "size": 12345},
        {"f": "c", "n": "0", "v": 7, "l": "t", "s": 0, "vc": 0, "vv": 0, "d": []},
    ],
}  # fmt: skip


def message(encoded: str) -> Message:
    return decode_message(bytes.fromhex(encoded))


def sent(draft: Draft) -> Message:
    return Message(0, draft.code, 1, b"\x20", draft.options, draft.payload)


class TestPosts:
    def test_posts_are_read_with_and_without_a_token(self) -> None:
        with_token = decode_describe(message("4102000261b164112a3101ff0a00"))
        without = decode_describe(message("40020002b1644102ff7b7d"))
        assert with_token == Describe(DescribeFlag.SYSTEM, b"\x0a\x00", 42)
        assert without == Describe(DescribeFlag.APPLICATION, b"{}")

    def test_blocks_of_a_post_are_read(self) -> None:
        first = decode_describe(message("4102000261b164112a3101c10eff00"))
        last = decode_describe(message("4102000362b164112a3101c116ff00"))
        assert first.block == Block(0, True, 6)
        assert last.block == Block(1, False, 6)
        assert continue_options(first) == ((27, b"\x0e"),)

    @pytest.mark.parametrize("block", [None, Block(3, True, 5)])
    def test_a_post_survives_encoding(self, block: Block | None) -> None:
        posted = Describe(DescribeFlag.SYSTEM, b"x", 42, block)
        assert decode_describe(sent(encode_describe(posted))) == posted

    @pytest.mark.parametrize(
        "encoded", ["4002000ab164", "4002000ab1644103", "4002000ab1644100", "4002000ab164430100ff"]
    )
    def test_a_post_of_nothing_that_is_known_is_refused(self, encoded: str) -> None:
        with pytest.raises(MessageFormatError):
            decode_describe(message(encoded))

    def test_a_bad_block_option_is_refused(self) -> None:
        with pytest.raises(MessageFormatError):
            decode_describe(message("4102000261b164112a3101c107ff00"))


class TestQuestions:
    def test_questions_are_written_as_devices_expect_them(self) -> None:
        single = describe_request(DescribeFlag.SYSTEM)
        assert single == (1, ((11, b"d"), (15, b"\x01")), b"")
        assert describe_request(None) == (1, ((11, b"d"),), b"")
        second = describe_request(DescribeFlag.METRICS, Block(1, False, 6))
        assert second.options == ((11, b"d"), (15, b"\x04"), (23, b"\x16"))

    def test_questions_are_read(self) -> None:
        assert decode_describe_request(message("410120052bb1644101")) == DescribeRequest(1)
        assert decode_describe_request(message("410120052bb164")) == DescribeRequest(None)
        block = decode_describe_request(message("410120062cb16441018116"))
        assert block == DescribeRequest(1, Block(1, False, 6))

    def test_answers_survive_encoding(self) -> None:
        for answer in (
            DescribeAnswer(b"{}"),
            DescribeAnswer(b"x" * 1024, 42, Block(0, True, 6), b"\x01"),
        ):
            assert decode_describe_answer(sent(describe_answer(answer))) == answer

    def test_an_error_is_no_answer(self) -> None:
        with pytest.raises(MessageFormatError):
            decode_describe_answer(message("61800f6e2c"))


class TestApplication:
    def test_functions_and_variables_have_names_and_types(self) -> None:
        payload = b'{"f":["led","reset"],"v":{"t":9,"n":2,"on":1,"s":4,"odd":77}}'
        told = parse_application(payload)
        assert told.functions == ("led", "reset")
        assert told.variables == {"t": "double", "n": "int32", "on": "bool", "s": "string"}

    def test_an_application_survives_encoding(self) -> None:
        told = Application(("a", "b"), {"x": "int32", "y": "string"})
        assert parse_application(encode_application(told)) == told

    @pytest.mark.parametrize(
        "payload",
        [b"", b"[]", b'{"f":3}', b'{"v":{"a":"b"}}', b"\xff\xfe", b"[" * 100_000, b'{"f":[1]}'],
    )
    def test_what_is_none_is_refused(self, payload: bytes) -> None:
        with pytest.raises(MessageFormatError):
            parse_application(payload)

    def test_more_than_256_of_a_kind_are_refused(self) -> None:
        names = tuple(f"f{number}" for number in range(257))
        with pytest.raises(MessageFormatError):
            parse_application(encode_application(Application(names)))


class TestModules:
    def test_the_protobuf_form_says_the_same_as_the_json_form(self) -> None:
        from_protobuf = parse_modules(encode_modules(MODULES), 42)
        from_json = parse_modules(encode_modules_json(MODULES), None)
        assert from_protobuf == MODULES
        assert from_json == MODULES

    def test_the_combined_form_of_1_x_has_both_parts(self) -> None:
        application = Application(("led",), {"t": "double"})
        payload = encode_combined({"p": 10, "m": MODULES["m"]}, application)
        assert parse_application(payload) == application
        assert parse_modules(payload, None) == {"p": 10, "m": MODULES["m"]}

    def test_the_captured_bootloader_is_read(self) -> None:
        captured = bytes.fromhex("0a19080218e8072880808005351e0000003d1e0000005884808005")
        [module] = decode_modules(captured)["m"]
        assert (module["f"], module["v"], module["s"], module["vc"]) == ("b", 1000, 10485760, 30)
        assert module["size"] == 10485764

    def test_assets_protection_and_unknown_fields_are_read(self) -> None:
        asset = "0a02abcd" + "1203" + b"a.b".hex() + "1805" + "2006"
        module = "0805" + "1001" + "520d" + asset + "62020801" + "7801"
        payload = "0a" + f"{len(module) // 2:02x}" + module + "2a0d" + asset + "3001" + "980101"
        told = decode_modules(bytes.fromhex(payload))
        expected = {"hash": "abcd", "name": "a.b", "size": 5, "storage_size": 6}
        assert told["assets"] == [expected]
        assert told["protected"] is True
        assert told["m"][0]["assets"] == [expected]
        assert told["m"][0]["security"] == {"mode": "protected"}

    def test_unknown_kinds_of_modules_keep_their_number(self) -> None:
        [module] = decode_modules(bytes.fromhex("0a04080c2009"))["m"]
        assert (module["f"], module["l"]) == ("12", "9")

    def test_decoded_documents_share_nothing(self) -> None:
        payload = bytes.fromhex("0a020805")
        decode_modules(payload)["m"][0]["d"].append("spoiled")
        assert decode_modules(payload)["m"][0]["d"] == []

    @pytest.mark.parametrize(
        ("payload", "content_format"),
        [
            (b"{", None),
            (b"[]", None),
            (b'{"m":3}', None),
            (b'{"m":[3]}', None),
            (bytes.fromhex("0a05"), 42),
            (bytes.fromhex("0801"), 42),
            (bytes.fromhex("00"), 42),
            (bytes.fromhex("0b"), 42),
            (bytes.fromhex("0a00") * 65, 42),
        ],
    )
    def test_what_is_none_is_refused(self, payload: bytes, content_format: int | None) -> None:
        with pytest.raises(MessageFormatError):
            parse_modules(payload, content_format)

    def test_documents_with_unknown_letters_cannot_be_written(self) -> None:
        with pytest.raises(MessageFormatError):
            encode_modules({"m": [{"f": "?"}]})


@given(st.binary(max_size=3000))
def test_a_describe_in_blocks_comes_together_again(body: bytes) -> None:
    receiver, number, verdict = BlockReceiver(), 0, "continue"
    while verdict == "continue":
        cut = cut_block(body, number, 5)
        assert cut is not None
        posted = Describe(DescribeFlag.SYSTEM, cut[1], 42, cut[0])
        told = decode_describe(sent(encode_describe(posted)))
        assert told.block is not None
        verdict = receiver.receive(told.block, told.payload)
        number += 1
    assert receiver.body == body
