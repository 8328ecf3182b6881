"""What devices and the server say to each other, message by message, both directions.

What it is for: the meaning of CoAP messages and payloads. ``encode_`` functions give a Draft for an
endpoint to send, or a payload; ``decode_`` functions take a message or a payload.

Files:
    device_request  which message a device sends          server_request  which one the server sends
    hello, goodbye  the ends of a connection              limits          what a release takes
    describe        asking for and posting describes      application     functions and variables
    modules         modules that run, JSON form           module_protobuf the same from 5.5 on
    event, subscription, function, variable, signal, time, key_change    one message each
    vitals          diagnostics                           vital_table     their names and forms
    ledger          documents that are kept in step       structured      CBOR events and JSON
    update, classic_update  firmware in chunks, the two ways
    varint, protobuf  numbers and fields, as Google's protocol buffers write them
    errors          what is wrong with a message

Who calls it: the gateway's rules and the simulator.

What it must not do: keep state, send, or decide what a message leads to. What a device sends
wrongly raises MessageFormatError and nothing else.
Spec: device protocol notes §3, §4; Device OS 0.6 to 6.2 wire.
"""
