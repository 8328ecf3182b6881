"""Numbers about the running server, as Prometheus reads them.

Each part counts with plain integers and gives them out when asked; nothing is registered anywhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from prometheus_client import PROCESS_COLLECTOR, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Kind = Literal["counter", "gauge"]

UNMATCHED = "unmatched"
"""Operation label of requests that no row of the table fits: their paths are without number."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One number.

    Attributes:
        name: ``roadstead_<part>_<thing>[_<unit>]``; a counter's ends in ``_total``.
        help: one sentence.
        kind: a counter only grows.
        labels: a small, bounded set of values each.
    """

    name: str
    help: str
    kind: Kind
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class MetricsSource(Protocol):
    """A part of the server that has numbers."""

    def samples(self) -> Iterable[Sample]:
        """Its numbers now; samples of one name share help, kind and label names."""


class RequestCounters:
    """Counts answered requests by operation and status."""

    def __init__(self) -> None:
        self._answered: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self.in_flight = 0

    def count(self, operation: str, status: int, duration_s: float | None) -> None:
        """Counts one answer; ``duration_s`` is None for streams, whose length means nothing."""
        self._answered[operation, status] += 1
        if duration_s is not None:
            self._seconds[operation] += duration_s

    def samples(self) -> Iterator[Sample]:
        """Requests answered, seconds spent on them, requests being answered."""
        for (operation, status), count in sorted(self._answered.items()):
            labels = {"operation": operation, "status": str(status)}
            yield Sample(
                "roadstead_http_requests_total", "Answers given.", "counter", count, labels
            )
        for operation, seconds in sorted(self._seconds.items()):
            yield Sample(
                "roadstead_http_request_seconds_total",
                "Seconds spent on answers, event streams aside.",
                "counter",
                seconds,
                {"operation": operation},
            )
        yield Sample(
            "roadstead_http_requests_in_flight",
            "Requests being answered now, event streams included.",
            "gauge",
            self.in_flight,
        )


class _Gathered(Collector):
    def __init__(self, sources: Sequence[MetricsSource]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for source in self._sources:
            for sample in source.samples():
                family = families.get(sample.name)
                if family is None:
                    family = families[sample.name] = _family(sample)
                family.add_metric(list(sample.labels.values()), sample.value)
        yield from families.values()
        yield from PROCESS_COLLECTOR.collect()


def render(sources: Sequence[MetricsSource]) -> bytes:
    """All samples, and those of the process itself, in the text format of Prometheus 0.0.4."""
    return generate_latest(_Gathered(sources))


def _family(sample: Sample) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if sample.kind == "counter" else GaugeMetricFamily
    return kind(sample.name, sample.help, labels=list(sample.labels))
