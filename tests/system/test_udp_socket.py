"""The gateway's UDP socket sends what it is given, whatever the kernel can do for it."""

import asyncio
import socket

import pytest

from roadstead.gateway.udp_socket import Address, UdpSocket, open_udp_socket


def receiver() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    bound.settimeout(10)
    return bound


def numbered(number: int, size: int) -> bytes:
    return number.to_bytes(2, "big") + bytes(size - 2)


@pytest.mark.parametrize("in_one_call", [True, False])
def test_datagrams_arrive_as_they_were_whoever_cuts_them(in_one_call: bool) -> None:
    async def send(batch: list[tuple[bytes, Address]]) -> UdpSocket:
        sender = await open_udp_socket("127.0.0.1", 0)
        sender._segments = sender._segments and in_one_call
        sender.send_all(batch)
        assert sender.backlog == 0
        sender.close()
        return sender

    with receiver() as first, receiver() as second:
        homes = [first.getsockname(), second.getsockname()]
        # Runs of one length, a shorter last one, a longer one behind, and another peer between.
        lengths = [1165, 1165, 1165, 80, 1165, 1165, 40, 41, 41, 1165, 2, 2]
        peers = [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1]
        batch = [
            (numbered(number, size), homes[peer])
            for number, (size, peer) in enumerate(zip(lengths, peers, strict=True))
        ]
        sender = asyncio.run(send(batch))
        assert sender.sent == len(batch) and sender.dropped == 0
        for peer, bound in enumerate((first, second)):
            expected = [datagram for datagram, address in batch if address == homes[peer]]
            assert [bound.recv(2048) for _ in expected] == expected


def test_more_than_the_kernel_takes_at_once_leaves_in_several_calls() -> None:
    async def send(batch: list[tuple[bytes, Address]]) -> None:
        sender = await open_udp_socket("127.0.0.1", 0)
        could = sender._segments
        sender.send_all(batch)
        assert sender.sent == len(batch)
        assert sender._segments == could  # no call was refused
        sender.close()

    with receiver() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        batch = [(numbered(number, 1100), bound.getsockname()) for number in range(90)]
        asyncio.run(send(batch))
        assert [bound.recv(2048)[:2] for _ in batch] == [one[:2] for one, _ in batch]
