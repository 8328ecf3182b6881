from roadstead.bus.local import LocalBus


def test_subscribers_are_called_in_order_and_only_for_their_topic() -> None:
    bus, heard = LocalBus(), []
    bus.subscribe("a", lambda message: heard.append(("first", message)))
    bus.subscribe("a", lambda message: heard.append(("second", message)))
    bus.subscribe("b", lambda message: heard.append(("other", message)))
    bus.publish("a", 1)
    assert heard == [("first", 1), ("second", 1)]


def test_a_failing_subscriber_does_not_stop_the_others() -> None:
    bus, heard = LocalBus(), []

    def fail(_message: object) -> None:
        raise RuntimeError("on purpose")

    bus.subscribe("a", fail)
    bus.subscribe("a", heard.append)
    bus.publish("a", 1)
    assert heard == [1]


def test_a_closed_subscription_hears_nothing_more() -> None:
    bus, heard = LocalBus(), []
    subscription = bus.subscribe("a", heard.append)
    bus.publish("a", 1)
    subscription.close()
    subscription.close()
    bus.publish("a", 2)
    assert heard == [1]


def test_closing_while_a_message_is_delivered_is_safe() -> None:
    bus, heard = LocalBus(), []
    first = bus.subscribe("a", lambda _message: first.close())
    bus.subscribe("a", heard.append)
    bus.publish("a", 1)
    bus.publish("a", 2)
    assert heard == [1, 2]
