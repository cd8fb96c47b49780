// Put into the app's own pages where the operator asks for it (`guard`): an app that signs in by script gets the answer to its
// call after all, once the second factor was given in a dialog.
((config) => {
	"use strict";
	const Native = XMLHttpRequest, calls = Native.prototype, { open, setRequestHeader, send, abort } = calls;
	const native = fetch.bind(window), known = new WeakMap(), required = "https://sallyport.invalid/second-factor-required";
	const { base, digits, lang, dir, style, words } = config;
	// An answer of the app's own could name another address; only that something waits is taken from it.
	const withheld = base + "/resume";
	let asking;
	// A second copy, by the operator's own link perhaps, does nothing.
	if (fetch.guarded) {
		return;
	}
	const ours = (status, media, address) => status === 401 && /^application\/problem\+json/i.test(media) &&
		new URL(address).origin === location.origin;

	// All calls that wait share one dialog. True: the factor was given.
	const ask = () => asking = asking || question().catch(() => false).finally(() => { asking = null; });
	const question = async () => {
		const { state } = await (await native(base + "/status")).json();
		if (state === "enrolling") {
			location = base + "/setup";
		}
		return state === "pending" ? new Promise(show) : state === "verified";
	};
	const element = (name, textContent, more) => Object.assign(document.createElement(name), { textContent }, more);
	const show = (done) => {
		const host = element("div"), root = host.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet();
		const dialog = element("dialog", "", { lang, dir }), form = element("form");
		const field = element("input", "", { id: "c", name: "code", required: true, autocomplete: "one-time-code", inputMode: "numeric" });
		const alert = element("b", "", { id: "a", role: "alert" }), submit = element("button", words[3]);
		const cancel = element("button", words[4], { type: "button" });
		const end = (passed) => {
			host.remove();
			done(passed);
		};
		dialog.setAttribute("aria-labelledby", "t");
		field.setAttribute("aria-describedby", "h a");
		sheet.replaceSync(style);
		root.adoptedStyleSheets = [sheet];
		cancel.onclick = dialog.oncancel = () => end(false);
		field.oninput = () => {
			if (field.value.replace(/\s/g, "").length === digits && !submit.disabled) {
				form.requestSubmit();
			}
		};
		form.onsubmit = async (event) => {
			event.preventDefault();
			submit.disabled = true;
			try {
				const answer = await native(base + "/challenge", {
					method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ code: field.value })
				});
				// 409: it was given elsewhere meanwhile. 401: there is nothing left to give it for.
				if ([204, 409, 401].includes(answer.status)) {
					return end(answer.status !== 401);
				}
				alert.textContent = (await answer.json()).detail;
				field.select();
			} catch {
				alert.textContent = words[6];
			}
			submit.disabled = false;
		};
		// What is typed here is none of the app's business, nor are its shortcuts ours.
		for (const name of ["keydown", "keypress", "keyup", "input", "focusin", "paste", "click"]) {
			host.addEventListener(name, (event) => event.stopPropagation());
		}
		form.append(element("h2", words[0], { id: "t" }), element("label", words[1], { htmlFor: "c" }), field, element("p", words[2], { id: "h" }),
			alert, submit, cancel, element("a", words[5], { href: base + "/recovery" }));
		dialog.append(form);
		root.append(dialog);
		document.documentElement.append(host);
		dialog.showModal();
		field.focus();
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
	const listen = (request) => {
		const call = {};
		known.set(request, call);
		for (const name of ["readystatechange", "progress", "load", "loadend"]) {
			request.addEventListener(name, async (event) => {
				if (!call.quiet && (call.released || call.line[2] === false || request.readyState < 2 ||
					!ours(request.status, request.getResponseHeader("Content-Type"), request.responseURL))) {
					return;
				}
				event.stopImmediatePropagation();
				if (name !== "loadend") {
					return;
				}
				const { type, resume } = problemOf(request), line = call.line, passed = type === required && await ask();
				if (line !== call.line) {
					return; // aborted, or used for another call, meanwhile
				}
				if (!passed) {
					call.released = true;
					for (const again of ["readystatechange", "load", "loadend"]) {
						request.dispatchEvent(new ProgressEvent(again));
					}
					return;
				}
				call.quiet = true;
				open.apply(request, resume ? ["GET", withheld] : line);
				call.quiet = false;
				if (!resume) {
					call.headers.forEach((header) => setRequestHeader.apply(request, header));
				}
				send.call(request, resume ? null : call.body);
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
		noted(this, { body });
		send.call(this, body);
	};
	calls.abort = function () {
		noted(this, { line: [] });
		abort.call(this);
	};
})(CONFIG);
