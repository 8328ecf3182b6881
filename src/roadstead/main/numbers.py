"""What the parts below the HTTP edge count, in the words of ``/metrics``."""

from collections.abc import Iterable
from dataclasses import dataclass

from roadstead.events.ingest import EventIngest
from roadstead.gateway.server import Gateway
from roadstead.http.metrics import Sample
from roadstead.main.event_parts import EventParts
from roadstead.storage.journal import Journal
from roadstead.storage.sweeping import Sweeper


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the parts below the HTTP edge count, in its words."""

    gateway: Gateway
    journal: Journal
    ingest: EventIngest
    events: EventParts
    sweeper: Sweeper

    def samples(self) -> Iterable[Sample]:
        """All numbers as they are now."""
        for sample in self.gateway.samples():
            name = f"roadstead_{sample.name}" + ("_total" if sample.kind == "counter" else "")
            yield Sample(name, sample.help, sample.kind, sample.value, sample.labels)
        streams = self.events.reading.streams
        counters = {
            "journal_rows": ("Rows committed by the journal.", self.journal.rows),
            "journal_batches": ("Transactions of the journal.", self.journal.batches),
            "journal_failures": ("Transactions that failed.", self.journal.failures),
            "events_committed": ("Events committed.", self.ingest.committed),
            "events_delivered_to_streams": ("Events queued for streams.", streams.delivered),
            "slow_readers_cut": (
                "Streams cut, or sent back to the history, for slowness.",
                streams.slow_readers_cut,
            ),
            "event_segments": ("Segments of the history closed.", self.events.indexer.segments),
            "events_expired": ("Events deleted by retention.", self.events.retention.deleted),
        }
        for name, (explanation, value) in counters.items():
            yield Sample(f"roadstead_{name}_total", explanation, "counter", value)
        for table, count in self.sweeper.deleted.items():
            words = "Rows deleted because they were old."
            yield Sample("roadstead_rows_swept_total", words, "counter", count, {"table": table})
