// How a browser uses a passkey, and makes one. What the browser and the gateway say to each other is JSON as WebAuthn writes it;
// not every browser that knows passkeys writes it by itself. passkey.js and guard-dialog.js come behind it.
const passkeys = (() => {
	"use strict";
	const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
	const text = (buffer) => btoa(Array.from(new Uint8Array(buffer), (c) => String.fromCharCode(c)).join(""))
		.replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_" })[c] || "");
	const read = ({ publicKey }) => {
		publicKey.challenge = bytes(publicKey.challenge);
		if (publicKey.user) {
			publicKey.user.id = bytes(publicKey.user.id);
		}
		for (const known of (publicKey.allowCredentials || []).concat(publicKey.excludeCredentials || [])) {
			known.id = bytes(known.id);
		}
		return publicKey;
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
	return {
		able: !!window.PublicKeyCredential && !!navigator.credentials,
		// Both take the options as the gateway sent them. They fail with a DOMException, also where the user has cancelled.
		make: async (options) => written(await navigator.credentials.create({ publicKey: read(options) })),
		use: async (options, signal) => written(await navigator.credentials.get({ publicKey: read(options), signal })),
	};
})();
