"""Programs that the server is measured beside, each on the server's core in the same run.

``echo_peer`` is the least that a Python process can do with a datagram: read it in an event loop
and send it back. ``aiocoap_peer`` is the CoAP server library of the Python world, without DTLS and
without storage. ``mosquitto_peer`` is the MQTT broker, written in C, with its persistence switched
on; it is left out where it is not installed. What each does and does not do compared with a stored
event stands in docs/performance.md.
"""
