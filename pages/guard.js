// Put into the app's own pages where the operator asks for it (`guard`): an app that signs in by script gets the answer to its
// call after all, once the second factor was given in a dialog.
((config) => {
	"use strict";
	const Native = XMLHttpRequest, calls = Native.prototype, { open, setRequestHeader, send, abort } = calls;
	const native = fetch.bind(window), known = new WeakMap(), required = "https://sallyport.invalid/second-factor-required";
	const { base, words } = config;
	// An answer of the app's own could name another address; only that something waits is taken from it.
	const withheld = base + "/resume";
	let asking;
	// A second copy, by the operator's own link perhaps, does nothing.
	if (fetch.guarded) {
		return;
	}
	const ours = (status, media, address) => status === 401 && /^application\/problem\+json/i.test(media) &&
		new URL(address).origin === location.origin;

	// Of such a call the whole page waits.
	const stops = ({ line }) => !!line && line.length > 2 && !line[2];

	// All calls that wait share one dialog. True: the factor was given.
	const ask = () => asking = asking || question().catch(() => false).finally(() => { asking = null; });
	const question = async () => {
		const status = await (await native(base + "/status")).json();
		if (status.state === "enrolling") {
			location = base + "/setup";
		}
		// Another address each time: what could not be loaded once is not tried again.
		return status.state === "pending" ? (await import(base + "/guard-dialog.js?" + Date.now())).default(native, status) : status.state === "verified";
	};

	// A call that stops the page until it is answered leaves no time for a dialog but one that stops the page too.
	const askAtOnce = () => {
		const now = (method, path, body) => {
			const request = new Native();
			open.call(request, method, base + path, false);
			if (body) {
				setRequestHeader.call(request, "Content-Type", "application/json");
			}
			send.call(request, body);
			return request;
		};
		try {
			const { state, user, methods } = JSON.parse(now("GET", "/status").responseText);
			// Nothing but an authenticator's code can be typed here.
			for (let says = words[0]; state === "pending" && methods.includes("totp");) {
				const code = prompt(says + "\n\n" + user + "\n" + words[1]);
				if (!code) {
					return false;
				}
				const { status, responseText } = now("POST", "/challenge", JSON.stringify({ code }));
				if ([204, 409, 401].includes(status)) {
					return status !== 401;
				}
				says = JSON.parse(responseText).detail;
			}
			return state === "verified";
		} catch {
			return false;
		}
	};

	const guarded = window.fetch = async (input, options) => {
		const spare = input instanceof Request ? input.clone() : input, answer = await native(input, options);
		if (ours(answer.status, answer.headers.get("Content-Type"), answer.url)) {
			const { type, resume } = await answer.clone().json().catch(() => ({}));
			if (type === required && await ask()) {
				return resume ? native(withheld) : guarded(spare, options);
			}
		}
		return answer;
	};
	guarded.guarded = true;

	// An XMLHttpRequest is sent once more; of the first answer nobody hears.
	const problemOf = ({ response }) => {
		try {
			if (response instanceof ArrayBuffer) {
				response = new TextDecoder().decode(response);
			}
			return (typeof response === "string" ? JSON.parse(response) : response) || {};
		} catch {
			return {};
		}
	};
	const settle = (request, call, passed, resume) => {
		if (!passed) {
			call.released = true;
			for (const again of ["readystatechange", "load", "loadend"]) {
				request.dispatchEvent(new ProgressEvent(again));
			}
			return;
		}
		const { line } = call;
		call.quiet = true;
		open.apply(request, resume ? ["GET", withheld, !stops(call)] : line);
		call.quiet = false;
		if (!resume) {
			call.headers.forEach((header) => setRequestHeader.apply(request, header));
		}
		send.call(request, resume ? null : call.body);
	};
	const listen = (request) => {
		const call = {};
		known.set(request, call);
		for (const name of ["readystatechange", "progress", "load", "loadend"]) {
			request.addEventListener(name, async (event) => {
				if (!call.quiet && (call.released || request.readyState < 2 ||
					!ours(request.status, request.getResponseHeader("Content-Type"), request.responseURL))) {
					return;
				}
				event.stopImmediatePropagation();
				if (name !== "loadend" || stops(call)) {
					return;
				}
				const { type, resume } = problemOf(request), line = call.line, passed = type === required && await ask();
				if (line === call.line) { // else aborted, or used for another call, meanwhile
					settle(request, call, passed, resume);
				}
			});
		}
		return request;
	};
	window.XMLHttpRequest = new Proxy(Native, { construct: (...made) => listen(Reflect.construct(...made)) });
	const noted = (request, change) => Object.assign(known.get(request) || {}, change);
	calls.open = function (...line) {
		noted(this, { line, headers: [], released: false });
		return open.apply(this, line);
	};
	calls.setRequestHeader = function (...header) {
		setRequestHeader.apply(this, header);
		known.get(this)?.headers.push(header);
	};
	calls.send = function (body) {
		const call = noted(this, { body });
		send.call(this, body);
		// Only what was made after this script is known here, and told of when it is settled.
		if (stops(call) && known.has(this) && ours(this.status, this.getResponseHeader("Content-Type"), this.responseURL)) {
			const { type, resume } = problemOf(this);
			settle(this, call, type === required && askAtOnce(), resume);
		}
	};
	calls.abort = function () {
		noted(this, { line: [] });
		abort.call(this);
	};
})(CONFIG);
