"""What tests of accounts start from."""

from argon2 import Parameters, Type

CHEAP_HASHING = Parameters(
    type=Type.ID,
    version=19,
    salt_len=16,
    hash_len=32,
    time_cost=1,
    memory_cost=16,
    parallelism=1,
)
"""argon2id that costs well under a millisecond."""
