// Puts the link to the settings into the element of the app's page that the operator has named (`settings_link <selector>`), and
// again where the app makes that element anew. Where there is none, it stays at the end of the page.
((into) => {
	"use strict";
	const script = document.currentScript, line = script && script.previousElementSibling, link = line && line.querySelector("a");
	if (!link) {
		return;
	}
	let item, left = 20;
	const place = () => {
		let to = null;
		try {
			to = document.querySelector(into);
		} catch {
			left = 0;
			console.warn("settings_link: no such selector: " + into);
		}
		if (!to || left <= 0 || item && to.contains(item)) {
			return;
		}
		// Not for ever against an app that takes it out again.
		left--;
		const others = [...to.querySelectorAll("a")].filter((other) => other !== link), like = others[others.length - 1];
		item = link;
		link.lang = line.lang;
		link.dir = line.dir;
		if (like) {
			// It looks as its neighbours do, but is not the page that is open.
			link.className = like.className.replace(/\S*(active|current|selected)\S*/gi, "").trim();
		}
		if (/^(UL|OL|MENU)$/.test(to.tagName)) {
			item = document.createElement("li");
			item.className = like && like.parentNode.tagName === "LI" ? like.parentNode.className.replace(/\S*(active|current|selected)\S*/gi, "").trim() : "";
			item.append(link);
		} else if (like) {
			to.append(" ");
		}
		to.append(item);
		line.remove();
	};
	place();
	new MutationObserver(place).observe(document.documentElement, { childList: true, subtree: true });
})(CONFIG);
