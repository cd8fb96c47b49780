// The help desk's search asks as somebody types. Without it the button does.
(function () {
	"use strict";
	var form = document.querySelector("form[data-search]"), timer, latest = 0;
	if (!form || !window.fetch || !window.DOMParser) {
		return;
	}
	function look() {
		var mine = ++latest, address = new URL(form.action);
		address.search = new URLSearchParams(new FormData(form)).toString();
		fetch(address, { credentials: "same-origin", headers: { Accept: "text/html" } }).then(function (answer) {
			return answer.ok ? answer.text() : Promise.reject();
		}).then(function (text) {
			var found = new DOMParser().parseFromString(text, "text/html").getElementById("results");
			var here = document.getElementById("results");
			if (mine === latest && found && here) {
				here.replaceChildren.apply(here, Array.from(found.childNodes));
				here.hidden = found.hidden;
				history.replaceState(null, "", address);
			}
		}).catch(function () {});
	}
	form.addEventListener("input", function () {
		clearTimeout(timer);
		timer = setTimeout(look, 250);
	});
})();
