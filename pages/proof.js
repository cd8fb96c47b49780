// Trusting a browser, on the page that asks whether to, and having it prove itself, on the challenge's page. It comes
// behind script.js.
//
// A trusted browser holds a key that no script can read, so that a copy of its cookie is worth nothing. It is kept under its
// public half, so that no two of one origin are ever mixed up. Where there is no WebCrypto (it wants https or loopback), or no
// room to keep a key, the cookie alone has to do.
((proof) => {
	"use strict";
	if (!proof || !window.indexedDB || !window.crypto || !crypto.subtle) {
		return;
	}
	const page = document, form = proof.closest("form"), given = proof.dataset, ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
	let making = false, made;
	const keys = (mode, act) => new Promise((resolve, reject) => {
		const opening = indexedDB.open("sallyport", 1);
		opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
		opening.onerror = opening.onblocked = reject;
		opening.onsuccess = () => {
			const change = opening.result.transaction("keys", mode), asked = act(change.objectStore("keys"));
			change.onerror = change.onabort = reject;
			change.oncomplete = () => {
				opening.result.close();
				resolve(asked.result);
			};
		};
	});
	const kept = (name) => keys("readonly", (all) => all.get(name));
	const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_" })[c] || "");
	const sign = async (held, purpose, device) => {
		const said = ["sallyport trusted browser", purpose, location.host, given.base, form.csrf_token.value, device].join("\n");
		return text(await crypto.subtle.sign(ecdsa, held.key, new TextEncoder().encode(said)));
	};
	const sent = () => performance.now() < form.dataset.sent;
	const send = (values) => {
		// Counted from now on: since the click that it goes back to, a key may have been made slowly.
		form.dataset.sent = performance.now() + 30000;
		const hidden = Object.keys(values).map((name) => Object.assign(page.createElement("input"), { type: "hidden", name, value: values[name] }));
		form.append(...hidden);
		form.submit();
		hidden.forEach((input) => input.remove());
	};
	const make = async () => {
		const pair = await crypto.subtle.generateKey(ecdsa, false, ["sign"]), now = Date.now();
		const key = text(await crypto.subtle.exportKey("raw", pair.publicKey));
		await keys("readwrite", (all) => {
			all.openCursor().onsuccess = ({ target }) => {
				const old = target.result;
				if (old) {
					if (old.value.until < now) {
						old.delete();
					}
					old.continue();
				}
			};
			return all.put({ key: pair.privateKey, until: now + given.kept * 1000 }, key);
		});
		// What was not kept, or came back as something else, is found out now.
		return { key, proof: await sign(await kept(key), "trust", "") };
	};
	form.addEventListener("submit", (event) => {
		if (!making && (sent() || !given.kept || !event.submitter || event.submitter.value !== "yes")) {
			return;
		}
		event.preventDefault();
		if (making) {
			return;
		}
		making = true;
		// One key a page, however often its form is sent.
		made = made || make();
		const late = new Promise((resolve, reject) => { setTimeout(reject, 10000); });
		Promise.race([made, late]).catch(() => ({})).then((values) => {
			making = false;
			send({ ...values, trust: "yes" });
		});
	});
	const prove = async () => {
		proof.textContent = given.words;
		try {
			const signature = await sign(await kept(given.key), "sign in", given.device);
			if (!making && !sent()) {
				send({ proof: signature });
			}
		} catch {
			proof.textContent = "";
		}
	};
	if (given.key && page.prerendering) {
		page.addEventListener("prerenderingchange", prove, { once: true });
	} else if (given.key) {
		prove();
	}
})(document.getElementById("proof"));
