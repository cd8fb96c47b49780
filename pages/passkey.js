// The button by which a passkey is used, or made. It comes behind script.js and ceremony.js.
((button) => {
	"use strict";
	const page = document;
	if (!button) {
		return;
	}
	const { base, submits, busy, failed, unsupported } = button.dataset, making = button.id === "add-passkey";
	const said = page.getElementById("passkey-said"), label = button.textContent;
	const say = (words) => {
		said.textContent = words;
		said.hidden = !words;
	};
	// The wait for codes, which script.js holds such buttons back for, is not about passkeys.
	button.hidden = button.disabled = false;
	if (!passkeys.able) {
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
		return answer.json();
	};
	const act = async () => {
		if (making) {
			const made = await passkeys.make(await asked("/setup/passkey"));
			return post("/setup/passkey", { ...made, name: page.getElementById("name").value });
		}
		return post("/challenge/passkey", { ...await passkeys.use(await asked("/challenge/passkey")), then: "next" });
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
