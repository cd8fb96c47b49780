// The dialog of the guard, which guard.js loads when it is needed. It comes behind keys.js, and what it exports comes to true
// when the factor was given. native is the browser's own fetch, and state what /status says of a session that waits.
const { base, digits, lang, dir, style, brand, kept, words } = CONFIG;
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
	const submit = element("button", words.submit, { className: "main" }), cancel = element("button", words.cancel, { type: "button" });
	const actions = element("div", "", { className: "actions" });
	let passed = false, waits = 0, soon;
	const end = () => {
		clearTimeout(waits);
		clearTimeout(soon);
		// Closing gives the focus back to where it was.
		dialog.close();
		host.remove();
		done(passed);
	};
	const busy = (on) => {
		submit.disabled = on;
		submit.textContent = on ? words.checking : words.submit;
	};
	const refuse = (text) => {
		alert.textContent = text;
		field.setAttribute("aria-invalid", "true");
		field.select();
	};
	const trust = async () => {
		const { trust: asked } = await (await native(base + "/status")).json(), keys = asked && browserKeys(base, asked.nonce);
		if (!asked) {
			return end();
		}
		const yes = element("button", words.trust.yes, { type: "button", className: "main" }), no = element("button", words.trust.no, { type: "button" });
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

	dialog.setAttribute("aria-labelledby", "t");
	field.setAttribute("aria-describedby", "a h");
	sheet.replaceSync(style);
	root.adoptedStyleSheets = [sheet];
	cancel.onclick = end;
	dialog.oncancel = (event) => {
		event.preventDefault();
		end();
	};
	field.oninput = () => {
		clearTimeout(soon);
		const typed = field.value.replace(/[\s\u2010-\u2015-]/g, "");
		if (/^\p{Nd}+$/u.test(typed) && Array.from(typed).length === digits && !submit.disabled) {
			soon = setTimeout(() => form.requestSubmit(), 250);
		}
	};
	form.onsubmit = async (event) => {
		event.preventDefault();
		clearTimeout(soon);
		if (submit.disabled || passed) {
			return;
		}
		busy(true);
		try {
			const answer = await post(native, "/challenge", { code: field.value, then: "ask" });
			// 409: it was given elsewhere meanwhile. 401: there is nothing left to give it for.
			if ([204, 409, 401].includes(answer.status)) {
				passed = answer.status !== 401;
				return await (answer.status === 204 && words.trust ? trust().catch(end) : end());
			}
			const seconds = +answer.headers.get("Retry-After"), { detail } = await answer.json();
			refuse(detail);
			if (answer.status === 429) {
				// A locked account opens at no time that is known; nothing is typed that cannot work.
				field.disabled = true;
				submit.textContent = words.submit;
				cancel.focus();
				waits = seconds && setTimeout(() => {
					field.disabled = false;
					busy(false);
					alert.textContent = "";
					field.focus();
				}, Math.min(seconds, 2e6) * 1000);
				return;
			}
		} catch {
			refuse(words.unavailable);
		}
		busy(false);
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
	title.append(element("label", words.title, { htmlFor: "c" }));
	// Where nothing but a passkey serves, no code is asked for.
	const types = methods.includes("totp") || !methods.includes("passkey");
	actions.append(...types ? [submit, cancel] : [cancel]);
	form.append(alert, ...types ? [element("p", words.hint, { id: "h", className: "hint" }), field] : [], actions);
	if (methods.includes("passkey")) {
		// A device is spoken to on a page of ours, which leads back to the app's.
		form.append(element("a", words.passkey, { href: base + "/challenge?kind=passkey" }), " ");
	}
	form.append(element("a", words.recovery, { href: base + "/recovery" }));
	dialog.append(head, title, chip, form);
	root.append(dialog);
	document.documentElement.append(host);
	dialog.showModal();
	field.focus();
};

export default async (native, status) => await proves(native, status) || new Promise((done) => show(native, status, done));
