// Trusting a browser, on the page that asks whether to, and having it prove itself, on the challenge's page. It comes
// behind script.js and keys.js.
((proof) => {
	"use strict";
	const page = document, form = proof && proof.closest("form"), given = form && proof.dataset;
	const keys = form && browserKeys(given.base, form.csrf_token.value);
	if (!keys) {
		return;
	}
	let making = false;
	const sent = () => performance.now() < form.dataset.sent;
	const send = (values) => {
		// Counted from now on: since the click that it goes back to, a key may have been made slowly.
		form.dataset.sent = performance.now() + 30000;
		const hidden = Object.keys(values).map((name) => Object.assign(page.createElement("input"), { type: "hidden", name, value: values[name] }));
		form.append(...hidden);
		form.submit();
		hidden.forEach((input) => input.remove());
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
		keys.trust(given.kept).then((values) => {
			making = false;
			send({ ...values, trust: "yes" });
		});
	});
	const prove = async () => {
		proof.textContent = given.words;
		try {
			const signature = await keys.prove(given.key, given.device);
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
