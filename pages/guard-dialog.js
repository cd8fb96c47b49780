// The dialog of the guard, which guard.js loads when it is needed. It comes behind keys.js and ceremony.js, and what it
// exports comes to true when the factor was given. native is the browser's own fetch, and state what /status says of a session that waits.
const { base, lang, dir, style, brand, kept, ways, words } = CONFIG;
const post = (native, path, fields) => native(base + path, {
	method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields)
});
const element = (name, textContent, more) => Object.assign(document.createElement(name), { textContent }, more);
const drawn = (name, attributes, ...inside) => {
	const made = document.createElementNS("http://www.w3.org/2000/svg", name);
	Object.entries(attributes).forEach((attribute) => made.setAttribute(...attribute));
	made.append(...inside);
	return made;
};

// A trusted browser shows itself by its key, and nobody is asked for anything.
const proves = async (native, { trust }) => {
	const keys = trust && trust.key && browserKeys(base, trust.nonce);
	try {
		return !!keys && (await post(native, "/challenge", { proof: await keys.prove(trust.key, trust.device) })).status === 204;
	} catch {
		return false;
	}
};

const show = (native, { user, methods = [] }, done) => {
	const host = element("div"), root = host.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet();
	const dialog = element("dialog", "", { lang, dir }), form = element("form", "", { noValidate: true });
	const field = element("input", "", {
		id: "c", name: "code", dir: "ltr", maxLength: 64, autocomplete: "one-time-code", inputMode: "numeric", autocapitalize: "none", spellcheck: false
	});
	const title = element("h2", "", { id: "t" }), alert = element("p", "", { id: "a", className: "message", role: "alert" });
	const button = (label, more) => element("button", label, { type: "button", ...more });
	const submit = element("button", "", { className: "main" }), cancel = button(words.cancel), again = button(words.again);
	const actions = element("div", "", { className: "actions" }), usable = methods.filter((kind) => ways[kind]);
	// typed: the way that is shown has a code to be typed. turn ends with it, or with the dialog.
	let passed = false, waits = 0, soon, way, typed, turn = new AbortController();
	const stop = () => {
		clearTimeout(waits);
		clearTimeout(soon);
		turn.abort();
		turn = new AbortController();
	};
	const end = () => {
		stop();
		// Closing gives the focus back to where it was.
		dialog.close();
		host.remove();
		done(passed);
	};
	const refuse = (text) => {
		alert.textContent = text;
		if (typed) {
			field.setAttribute("aria-invalid", "true");
			field.select();
		}
	};
	const trust = async () => {
		const { trust: asked } = await (await native(base + "/status")).json(), keys = asked && browserKeys(base, asked.nonce);
		if (!asked) {
			return end();
		}
		const yes = button(words.trust.yes, { className: "main" }), no = button(words.trust.no);
		const answer = async (fields) => {
			yes.disabled = no.disabled = true;
			// The factor was given, whatever becomes of this.
			await post(native, "/trust", await fields).catch(() => 0);
			end();
		};
		title.textContent = words.trust.title;
		title.tabIndex = -1;
		yes.onclick = () => answer((keys ? keys.trust(kept) : Promise.resolve({})).then((made) => ({ ...made, trust: "yes" })));
		no.onclick = () => answer({ trust: "no" });
		yes.setAttribute("aria-describedby", "h");
		actions.replaceChildren(yes, no);
		form.replaceChildren(element("p", words.trust.hint, { id: "h", className: "hint" }), actions);
		title.focus();
	};

	// Asks the gateway while the button waits, and says what is wrong; where nothing is, after goes on.
	const attempt = async (pressed, says, ask, after) => {
		const { signal } = turn, label = pressed.textContent;
		pressed.disabled = true;
		pressed.textContent = says;
		let seconds = 0, locked = false;
		try {
			const answer = await ask(signal);
			if (answer.ok) {
				return await after(answer);
			}
			if (answer.status === 409 || answer.status === 401) {
				// It was given elsewhere meanwhile, or there is nothing left to give it for.
				const { state } = await (await native(base + "/status")).json();
				if (state !== "pending") {
					passed = state === "verified";
					return end();
				}
			}
			const { detail } = await answer.json();
			if (signal.aborted) {
				return;
			}
			refuse(detail);
			locked = answer.status === 429;
			seconds = +answer.headers.get("Retry-After");
		} catch (error) {
			if (signal.aborted) {
				return;
			}
			refuse(error instanceof DOMException ? words.failed : words.unavailable);
		}
		pressed.textContent = label;
		pressed.disabled = locked;
		if (locked) {
			// A locked account opens at no time that is known; nothing is typed that cannot work.
			field.disabled = pressed === submit;
			cancel.focus();
			waits = seconds && setTimeout(() => {
				field.disabled = pressed.disabled = false;
				alert.textContent = "";
				(typed ? field : pressed).focus();
			}, Math.min(seconds, 2e6) * 1000);
		}
	};
	const given = async () => {
		passed = true;
		await (words.trust ? trust().catch(end) : end());
	};
	const send = (pressed) => attempt(pressed, words.checking, () => post(native, "/challenge/send", { kind: way }), async (answer) => lay(way, (await answer.json()).to));
	const touch = async (signal) => {
		const asked = await post(native, "/challenge/passkey/options", {});
		return asked.ok ? post(native, "/challenge/passkey", { ...await passkeys.use(await asked.json(), signal), then: "ask" }) : asked;
	};
	// Shows one way, and the others below. to is where its code was sent; until then there is nothing to type.
	const lay = (kind, to) => {
		const { title: asks, hint, does, digits } = ways[kind], others = usable.filter((other) => other !== kind);
		stop();
		way = kind;
		typed = digits && (to || !does);
		alert.textContent = field.value = "";
		field.disabled = submit.disabled = again.disabled = false;
		field.removeAttribute("aria-invalid");
		submit.textContent = typed ? words.submit : does;
		again.textContent = words.again;
		title.replaceChildren(typed ? element("label", asks, { htmlFor: "c" }) : asks);
		actions.replaceChildren(submit, ...to ? [again] : [], cancel);
		const sent = element("p", words.to + " ", { className: "hint" }), rest = element("div", "", { className: "ways" });
		sent.append(element("bdi", to));
		rest.append(...others.length ? [element("h3", words.others)] : [], ...others.map((other) => button(ways[other].label, { onclick: () => lay(other) })),
			element("a", words.recovery, { href: base + "/recovery" }));
		form.replaceChildren(alert, ...to ? [sent] : [], element("p", to ? words.sent : hint, { id: "h", className: "hint" }), ...typed ? [field] : [], actions, rest);
		(typed ? field : submit).focus();
	};

	dialog.setAttribute("aria-labelledby", "t");
	field.setAttribute("aria-describedby", "a h");
	submit.setAttribute("aria-describedby", "h");
	sheet.replaceSync(style);
	root.adoptedStyleSheets = [sheet];
	cancel.onclick = end;
	again.onclick = () => send(again);
	dialog.oncancel = (event) => {
		event.preventDefault();
		end();
	};
	field.oninput = () => {
		clearTimeout(soon);
		const digits = field.value.replace(/[\s\u2010-\u2015-]/g, "");
		if (/^\p{Nd}+$/u.test(digits) && Array.from(digits).length === ways[way].digits && !submit.disabled) {
			soon = setTimeout(() => form.requestSubmit(), 250);
		}
	};
	form.onsubmit = (event) => {
		event.preventDefault();
		clearTimeout(soon);
		if (submit.disabled || passed) {
			return;
		}
		if (typed) {
			attempt(submit, words.checking, () => post(native, "/challenge", { code: field.value, kind: way, then: "ask" }), given);
		} else if (ways[way].digits) {
			send(submit);
		} else if (!passkeys.able || document.featurePolicy && !document.featurePolicy.allowsFeature("publickey-credentials-get")) {
			// The app's page may use none: a page of ours can, and leads back to the app's.
			location = base + "/challenge?kind=passkey";
		} else {
			attempt(submit, words.busy, touch, given);
		}
	};
	// The focus goes round in the dialog, and not by way of the app's page.
	dialog.onkeydown = (event) => {
		const all = [...dialog.querySelectorAll("input, button, a")].filter((one) => !one.disabled), at = all.indexOf(root.activeElement), back = event.shiftKey;
		if (event.key === "Tab" && (back ? at < 1 : at === all.length - 1)) {
			event.preventDefault();
			all.at(back ? -1 : 0).focus();
		}
	};
	// What is typed here is none of the app's business, nor are its shortcuts ours.
	for (const name of ["keydown", "keypress", "keyup", "input", "focusin", "paste", "click"]) {
		host.addEventListener(name, (event) => event.stopPropagation());
	}
	const initial = element("span", brand.initial, { className: "mark", ariaHidden: "true" });
	const head = element("div", "", { className: "head" });
	if (brand.logo) {
		const logo = element("img", "", { src: brand.logo, alt: "", width: brand.width, height: brand.height });
		// The app's policy need not let it in.
		logo.onerror = () => logo.replaceWith(initial);
		head.append(logo);
	} else if (brand.initial) {
		head.append(initial);
	}
	head.append(element("bdi", brand.name));
	const chip = element("div", "", { className: "chip" });
	chip.append(drawn("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, drawn("circle", { cx: 8, cy: 5, r: 3 }), drawn("path", { d: "M2 15a6 6 0 0 1 12 0z" })),
		element("bdi", user));
	dialog.append(head, title, chip, form);
	root.append(dialog);
	document.documentElement.append(host);
	dialog.showModal();
	lay(usable[0] || "totp");
};

export default async (native, status) => await proves(native, status) || new Promise((done) => show(native, status, done));
