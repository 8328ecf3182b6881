"""How the figures come about, as it stands in docs/performance.md."""

METHOD = """\
## What is measured, and how

`make bench` measures everything again and writes this page (about five minutes); `make bench
QUICK=1` does the same with fewer and shorter rounds in about a minute. Each figure is the median of
its rounds, with the least and the greatest beside it. Only figures of one run may be compared.

**(a)** The floor is one P-256 key made, one agreement, one signature and one verification by
`cryptography`, in a loop. A handshake is a registered device's whole one with cookie and client
certificate, each time another device, until the server's Finished message, which leaves after the
session was committed with `fsync`. The generator signs and agrees for real and saves only the
making of its ephemeral key.

**(b)** Records are encrypted before the clock starts; 500 devices send in turn, 2,000 events are
under way. An event is acknowledged after its transaction was committed. SQLite commits events in
WAL mode with `synchronous=NORMAL`: what was acknowledged survives the death of the process, and of
a power cut all but the last moments. The peers do less: the echo neither parses, decrypts nor
stores; aiocoap parses and answers and does neither of the others; Mosquitto, written in C, takes
QoS 1 messages over TCP in clear for a subscriber that is away, holds them in memory and writes them
to its file at the interval named, so that what it acknowledged in between dies with it.

**(c)** Private memory of the process with so many stored sessions taken over, less that of one
with three fifths of them, by the difference in number, so that what every server needs is not in
it (the database's page caches, for one, which grow up to 64 MB). What is: the session's keys and
windows, what the conversation knows of the device (Hello, subscriptions), its identity, presence
and timer. Describes are in the database. Then the same after each device was heard once. Kernel
memory is not in it; all devices share one socket. In a short run the caches still grow with the
number of sessions, and the figure is too high.

**(d)** One device publishes; a thousand connections from ten addresses follow the account's stream.
The latency counts from before the datagram is sent until the reader has the bytes, commit included.
First at 60 events (60,000 deliveries) per second, then as fast as they go, six events under way.

**(e)** From the start of the process until a device with a stored session is answered, less the
start of a server without sessions. Then simulated devices on sockets of their own, each with its
handshake, hello, describes and subscriptions; `kill -9`; a new process; and every device publishes
an event, which must be acknowledged without a new handshake.

**(f)** `GET /v1/devices/ID` of devices in turn while that fleet is connected and keeps alive.

**(g)** Devices are members of a product and connected; one call of the API releases a version to
all of them at once. The clock runs from that call until the last device has restarted and is online
with the version that it read in the image. The floor is what one core encrypts and sends when it
does nothing else: no acknowledgements, no losses, no database. `ROADSTEAD_UPDATE_BYTES_PER_S` sets
no limit here. Processor time says more than the clock where other programs run beside it.

**(k)** A history of 10,000 devices over six and a half days, written into the tables as the server
would have written it. A stream is resumed with `Last-Event-ID: 0` and read to its newest event.
Each search is one request; beside it stands the same question as SQL on the table alone, in this
process. What no device narrows is looked through for two seconds or a million events, and the
answer says where it stopped.

**(j)** In one process on a SQLite file: a product whose devices report seven modules each, a third
of them in groups with releases. A decision at hello gathers the facts of one device; deliveries
gather those of many at once, as devices come together. The look ahead is what
`GET /v1/products/:p/impact` answers.

**(h)** Fifty devices publish at a fixed rate; each of 20 webhooks gets a twentieth of the events,
and the receiver of one never answers. Each delivery is a row that is committed with its event and
updated with what came of it, and each answered one is an event (`hook-sent/`) of its own. The delay
counts from before the datagram is sent until the receiver has the request. What is offered beyond
what can be sent waits in the database, so the delay at such a rate grows with the time that it
lasts. The bare sender posts as large a body to the same receiver and stores nothing. The receiver
runs on the load generator's core.
"""
