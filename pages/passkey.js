// Passkeys, where one is used and where one is made. It comes behind script.js. What the browser and the gateway say to each
// other is JSON as WebAuthn writes it; not every browser that knows passkeys writes it by itself.
((button) => {
	"use strict";
	const page = document;
	if (!button) {
		return;
	}
	const { base, submits, busy, failed, unsupported } = button.dataset, making = button.id === "add-passkey";
	const said = page.getElementById("passkey-said"), label = button.textContent;
	const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
	const text = (buffer) => btoa(Array.from(new Uint8Array(buffer), (c) => String.fromCharCode(c)).join(""))
		.replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_" })[c] || "");
	const say = (words) => {
		said.textContent = words;
		said.hidden = !words;
	};
	// The wait for codes, which script.js holds such buttons back for, is not about passkeys.
	button.hidden = button.disabled = false;
	if (!window.PublicKeyCredential || !navigator.credentials) {
		button.disabled = true;
		say(unsupported);
		return;
	}
	const post = async (path, fields) => {
		const answer = await fetch(base + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
		if (answer.status === 409 || answer.status === 401) {
			// It was done elsewhere meanwhile, or there is nothing left to do it for: the page says how things stand.
			location.assign(base + "/");
		}
		return answer;
	};
	// What is wrong, in the gateway's words.
	const wrong = async (answer) => new Error((await answer.json()).detail);
	const asked = async (path) => {
		const answer = await post(path + "/options", {});
		if (!answer.ok) {
			throw await wrong(answer);
		}
		const { publicKey } = await answer.json();
		publicKey.challenge = bytes(publicKey.challenge);
		if (publicKey.user) {
			publicKey.user.id = bytes(publicKey.user.id);
		}
		for (const known of (publicKey.allowCredentials || []).concat(publicKey.excludeCredentials || [])) {
			known.id = bytes(known.id);
		}
		return { publicKey };
	};
	const written = ({ id, rawId, type, authenticatorAttachment, response }) => {
		const fields = {};
		for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
			if (response[name]) {
				fields[name] = text(response[name]);
			}
		}
		if (response.getTransports) {
			fields.transports = response.getTransports();
		}
		return { id, rawId: text(rawId), type, authenticatorAttachment: authenticatorAttachment || undefined, clientExtensionResults: {}, response: fields };
	};
	const act = async () => {
		if (making) {
			const made = await navigator.credentials.create(await asked("/setup/passkey"));
			return post("/setup/passkey", { ...written(made), name: page.getElementById("name").value });
		}
		const used = await navigator.credentials.get(await asked("/challenge/passkey"));
		return post("/challenge/passkey", { ...written(used), then: "next" });
	};
	button.addEventListener("click", async () => {
		button.disabled = true;
		button.textContent = busy;
		say("");
		try {
			const answer = await act();
			if (!answer.ok) {
				throw await wrong(answer);
			}
			if (answer.status === 204) {
				// The form that it is a proof for goes now, without a code.
				page.getElementById(submits).submit();
			} else {
				location.assign((await answer.json()).next);
			}
		} catch (error) {
			// What the browser says is in its own words, and often in nobody's: a user who cancels knows that.
			say(error instanceof DOMException || !error.message ? failed : error.message);
			button.textContent = label;
			button.disabled = false;
			button.focus();
		}
	});
	const name = making && page.getElementById("name");
	if (name) {
		name.addEventListener("keydown", (event) => {
			if (event.key === "Enter") {
				button.click();
			}
		});
	}
})(document.getElementById("use-passkey") || document.getElementById("add-passkey"));
