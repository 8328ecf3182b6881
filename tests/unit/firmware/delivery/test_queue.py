"""Whose turn it is: products take turns."""

from roadstead.firmware.delivery.model import Delivery
from roadstead.firmware.delivery.queue import DeliveryQueue


def make_delivery(product_id: int | None, number: int) -> Delivery:
    device_id = f"{product_id or 0:012d}{number:012d}"
    return Delivery(
        id=device_id,
        device_id=device_id,
        product_id=product_id,
        version=2,
        from_version=1,
        file_key="f",
        file_sha256="0" * 64,
        file_bytes=1,
        cause="rollout",
        reason="rollout",
        asked_by=None,
        state="queued",
        requested_at_ms=0,
        deadline_ms=1,
    )


def fill(queue: DeliveryQueue, product_id: int | None, count: int) -> None:
    for number in range(count):
        delivery = make_delivery(product_id, number)
        queue.add(delivery)
        queue.line_up(delivery.device_id)


def test_a_large_product_holds_up_no_small_one() -> None:
    queue = DeliveryQueue()
    fill(queue, 1, 10_000)
    fill(queue, 2, 2)
    fill(queue, None, 1)
    order = [one.product_id for _ in range(6) if (one := queue.next_in_line())]
    assert order == [1, 2, None, 1, 2, 1]


def test_a_product_without_a_place_waits_and_others_go_on() -> None:
    queue = DeliveryQueue()
    fill(queue, 1, 3)
    fill(queue, 2, 1)
    found = queue.next_in_line(lambda product: product != 1)
    assert found is not None and found.product_id == 2
    assert queue.next_in_line(lambda product: product != 1) is None
    found = queue.next_in_line()
    assert found is not None and found.product_id == 1


def test_one_that_ended_or_lines_up_twice_has_no_second_turn() -> None:
    queue = DeliveryQueue()
    fill(queue, 1, 2)
    fill(queue, 1, 2)
    gone = queue.next_in_line()
    assert gone is not None
    queue.remove(gone)
    assert queue.next_in_line() is not None
    assert queue.next_in_line() is None
