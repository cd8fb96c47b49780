// The key of a trusted browser: no script can read it, so that a copy of the cookie is worth nothing. It is kept under its
// public half, so that no two of one origin are ever mixed up. base and nonce are what a proof is made for. Null where there is no
// WebCrypto (it wants https or loopback), or no room to keep a key.
const browserKeys = (base, nonce) => {
	"use strict";
	if (!window.indexedDB || !window.crypto || !crypto.subtle) {
		return null;
	}
	const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
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
		const said = ["sallyport trusted browser", purpose, location.host, base, nonce, device].join("\n");
		return text(await crypto.subtle.sign(ecdsa, held.key, new TextEncoder().encode(said)));
	};
	const make = async (seconds) => {
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
			return all.put({ key: pair.privateKey, until: now + seconds * 1000 }, key);
		});
		// What was not kept, or came back as something else, is found out now.
		return { key, proof: await sign(await kept(key), "trust", "") };
	};
	let making;
	return {
		// What is sent to have this browser trusted: one key a page, or nothing where that takes too long or fails.
		trust: (seconds) => {
			making = making || make(seconds);
			const late = new Promise((resolve, reject) => { setTimeout(reject, 10000); });
			return Promise.race([making, late]).catch(() => ({}));
		},
		// The proof that this is the browser which was trusted as that device.
		prove: async (key, device) => sign(await kept(key), "sign in", device),
	};
};
