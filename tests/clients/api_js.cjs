// Drives particle-api-js by lines of JSON on stdin; answers by lines of JSON on stdout.
//
//   {"id": 1, "call": "getDevice", "args": {...}}    -> {"id": 1, "status": 200, "body": ...}
//                                                   or {"id": 1, "error": {...}}
//   {"id": 2, "stream": {"deviceId": "mine"}}        -> {"id": 2, "status": 200}, and then for
//                                                      each event {"stream": 2, "event": {...}}
//   {"id": 3, "close": 2}                            -> {"id": 3, "status": 200}
'use strict';

const readline = require('readline');
const Particle = require('particle-api-js');

const options = JSON.parse(process.argv[3] || '{}');
const particle = new Particle({ baseUrl: process.argv[2], ...options });
const streams = new Map();

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function open(id, args) {
	const stream = await particle.getEventStream(args);
	for (const name of ['disconnect', 'reconnect', 'reconnect-success', 'reconnect-error']) {
		stream.on(name, () => say({ stream: id, trouble: name }));
	}
	stream.on('event', (event) => say({ stream: id, event }));
	streams.set(id, stream);
	return { statusCode: 200 };
}

async function obey({ id, call, args, stream, close }) {
	try {
		let answer = { statusCode: 200 };
		if (stream) {
			answer = await open(id, stream);
		} else if (close) {
			streams.get(close).abort();
		} else {
			answer = await particle[call](args || {});
		}
		say({ id, status: answer.statusCode, body: answer.body });
	} catch (error) {
		const { message, statusCode, body, errorDescription, shortErrorDescription } = error;
		say({ id, error: { message, statusCode, body, errorDescription, shortErrorDescription } });
	}
}

readline.createInterface({ input: process.stdin }).on('line', (line) => obey(JSON.parse(line)));
process.stdin.on('end', () => process.exit(0));
