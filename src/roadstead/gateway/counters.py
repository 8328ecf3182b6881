"""Plain numbers of the device edge, for the metrics page and for tests."""

import msgspec


class Counters(msgspec.Struct):
    """What happened since the process started; every field only grows.

    Attributes:
        handshakes_queued_dropped: handshake datagrams shed because too many waited.
        handshakes_done: sessions that became live after a full handshake.
        keys_refused: handshakes with an unknown key that were turned away.
        keys_quarantined: handshakes with an unknown key that were let in without rights.
        identity_mismatches: Hellos that named another device than the one whose key was proven.
        sessions_loaded: sessions taken over from the database at start.
        sessions_lost: sessions that could not be stored and were therefore not confirmed.
        sessions_replaced: older sessions dropped for a newer one of the same device.
        sessions_expired: sessions deleted after a long silence.
        resumed: devices that came online again on a kept session, without a handshake.
        malformed: decrypted content that was no valid message.
        messages_over_quota: messages dropped because their device sent too many in a second.
        requests: new requests of devices.
        ignored_requests: requests that no rule answers, or that came before the Hello.
        events_accepted: events of devices taken into the journal.
        events_refused: events over a limit or with a name that devices may not use.
        events_quarantined: events of quarantined devices, answered and dropped.
        events_over_rate: events refused because their device published too many.
        events_unstored: events given back to the device to repeat (journal full or failed).
        events_delivered: events sent to subscribed devices.
        delivery_dropped: events not sent because a device's outgoing queue was full.
        calls: functions, variables, signals, pings and vitals asked of devices.
        calls_failed: of those, the ones that gave no result.
        asks_failed: confirmable requests to devices that were never acknowledged.
        claim_codes_used: claim codes that gave a device its owner.
        claim_codes_refused: claim codes that were malformed, unknown, used or expired.
        reports_failed: facts told by devices that could not be stored.
        system_events_dropped: system events lost because the journal stayed full.
        updates_begun: transfers of files to devices that were begun.
        updates_delivered: of those, the ones whose file the device took.
        update_bytes_sent: content of files sent, repetitions included.
        callback_errors: exceptions caught at the edge of the loop; each is logged.
    """

    handshakes_queued_dropped: int = 0
    handshakes_done: int = 0
    keys_refused: int = 0
    keys_quarantined: int = 0
    identity_mismatches: int = 0
    sessions_loaded: int = 0
    sessions_lost: int = 0
    sessions_replaced: int = 0
    sessions_expired: int = 0
    resumed: int = 0
    malformed: int = 0
    messages_over_quota: int = 0
    requests: int = 0
    ignored_requests: int = 0
    events_accepted: int = 0
    events_refused: int = 0
    events_quarantined: int = 0
    events_over_rate: int = 0
    events_unstored: int = 0
    events_delivered: int = 0
    delivery_dropped: int = 0
    calls: int = 0
    calls_failed: int = 0
    asks_failed: int = 0
    claim_codes_used: int = 0
    claim_codes_refused: int = 0
    reports_failed: int = 0
    system_events_dropped: int = 0
    updates_begun: int = 0
    updates_delivered: int = 0
    update_bytes_sent: int = 0
    callback_errors: int = 0
