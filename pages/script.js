// Pages work without this. It makes them nicer, and is all the script there is.
(function () {
	"use strict";
	var page = document;
	function each(selector, action) {
		page.querySelectorAll(selector).forEach(action);
	}

	// What is shown once is gone when the page is left: the way back must not find it (P9).
	addEventListener("pagehide", function () {
		each("[data-once]", function (secret) { secret.remove(); });
	});
	addEventListener("pageshow", function (event) {
		if (event.persisted) {
			location.reload();
		}
	});

	// The plain page of a change becomes a dialog over the settings page, which it brought along.
	var behind = page.getElementById("behind");
	var dialog = page.querySelector("dialog");
	if (behind && dialog && dialog.showModal) {
		page.querySelector("main").prepend(behind.content);
		dialog.removeAttribute("open");
		dialog.showModal();
		dialog.scrollTop = 0;
		each("[data-close]", function (cancel) {
			cancel.addEventListener("click", function (event) {
				event.preventDefault();
				dialog.close();
			});
		});
		dialog.addEventListener("close", function () {
			dialog.remove();
			history.replaceState(null, "", behind.dataset.home);
			page.title = behind.dataset.name;
			(page.getElementById(behind.dataset.opener) || page.getElementById("settings")).focus();
		});
	}
	// With room for both, the code is typed while the QR code is in sight.
	var field = page.getElementById("code");
	if (field && !field.autofocus && matchMedia("(min-width: 48rem)").matches) {
		field.focus({ preventScroll: true });
	}

	// A form is sent once, for the half minute that an answer may take: a click after that is somebody who tries again. A second
	// sending would cancel the first, which may have used up the code and replaced the session already.
	page.addEventListener("submit", function (event) {
		var form = event.target;
		if (performance.now() < form.dataset.sent) {
			event.preventDefault();
			return;
		}
		form.dataset.sent = performance.now() + 30000;
		var button = event.submitter || form.querySelector("[data-busy]");
		if (button && button.dataset.busy) {
			busy(button);
		}
	});
	// What a button says while its form is under way, and for no longer than a form is sent once.
	function busy(button) {
		var label = button.textContent;
		button.textContent = button.dataset.busy;
		button.setAttribute("aria-busy", "true");
		setTimeout(function () {
			button.textContent = label;
			button.removeAttribute("aria-busy");
		}, 30000);
	}

	// Times in the user's own zone, as the user's own region writes them.
	var language = page.documentElement.lang;
	var region = (navigator.languages || []).find(function (wish) { return wish.split("-")[0] === language.split("-")[0]; });
	// How long ago something was, in the largest unit that there is one of.
	function ago(seconds) {
		var units = [["year", 31556952], ["month", 2629746], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", Infinity]];
		var unit = units.find(function (unit) { return -seconds >= unit[1]; }) || units[5];
		var count = unit[1] < Infinity ? Math.round(seconds / unit[1]) : 0;
		return new Intl.RelativeTimeFormat(language + "-u-nu-latn", { numeric: "auto" }).format(count, unit[0]);
	}
	each("time", function (time) {
		var style = time.hasAttribute("data-clock") ? {} : { dateStyle: "medium" };
		style.timeStyle = "short";
		style.numberingSystem = "latn";
		try {
			var at = new Date(time.dateTime);
			var words = at.toLocaleString(region || language, style);
			time.title = time.textContent;
			if (time.hasAttribute("data-ago")) {
				time.title = words;
				words = ago((at - Date.now()) / 1000);
			}
			time.textContent = words;
		} catch (unknown) {}
	});

	// One countdown to the next attempt. Meanwhile there is nothing to type and nothing to send.
	each("[data-seconds]", function (countdown) {
		var end = Date.now() + countdown.dataset.seconds * 1000;
		var alert = page.getElementById("alert");
		// A code that is used up is no reason not to type the next one.
		var plain = countdown.hasAttribute("data-plain");
		var held = page.querySelectorAll("#code, .main");
		function hold(on) {
			if (!plain) {
				held.forEach(function (element) { element.disabled = on; });
			}
		}
		function tick() {
			var left = Math.ceil((end - Date.now()) / 1000);
			if (left > 0) {
				var two = function (n) { return (n < 10 ? "0" : "") + n; };
				var hours = Math.floor(left / 3600);
				var clock = (hours ? hours + ":" + two(Math.floor(left / 60) % 60) : Math.floor(left / 60)) + ":" + two(left % 60);
				countdown.textContent = plain ? left : clock;
				setTimeout(tick, 250);
				return;
			}
			line.remove();
			hold(false);
			(alert.closest("div.message") || alert).className = "message good";
			alert.textContent = countdown.dataset.over;
			alert.className = "";
			page.title = countdown.dataset.title || page.title;
			if (held[0] && !held[0].value) {
				held[0].focus();
			}
		}
		// The words without scripts stay for those who listen: a clock that ticks is nothing to read out.
		each("[data-static]", function (words) { words.className = "unseen"; });
		hold(true);
		var words = countdown.dataset.words.split("{0}");
		var line = page.createElement("div");
		line.setAttribute("aria-hidden", "true");
		countdown.replaceWith(line);
		line.append(words[0], countdown, words[1]);
		countdown.hidden = false;
		tick();
	});
	each("[data-scripts]", function (words) { words.hidden = false; });

	// A code that is complete is sent. The moment before is for a hand that is on its way to the button.
	each("[data-complete]", function (code) {
		var soon;
		code.addEventListener("input", function () {
			clearTimeout(soon);
			var digits = code.value.replace(/[\s\u2010-\u2015-]/g, "");
			if (/^\p{Nd}+$/u.test(digits) && Array.from(digits).length === +code.dataset.complete) {
				soon = setTimeout(function () { code.form.requestSubmit(); }, 250);
			}
		});
	});

	// Who goes on has the codes somewhere: a copy, a file, a sheet of paper, or his own word.
	each("[data-needs]", function (button) {
		var tick = page.getElementById(button.dataset.needs);
		function look() { button.disabled = !tick.checked; }
		tick.addEventListener("change", look);
		look();
	});
	function kept() {
		var tick = page.getElementById("saved");
		if (tick) {
			tick.checked = true;
			tick.dispatchEvent(new Event("change"));
		}
	}
	function lines(source) {
		var items = source.querySelectorAll("li");
		return items.length ? Array.from(items, function (item) { return item.textContent; }) : [source.textContent];
	}
	each("[data-copy]", function (button) {
		if (!navigator.clipboard) {
			return;
		}
		var label = button.textContent;
		button.hidden = false;
		button.addEventListener("click", function () {
			navigator.clipboard.writeText(lines(page.getElementById(button.dataset.copy)).join("\n")).then(function () {
				button.textContent = button.dataset.done;
				kept();
				setTimeout(function () { button.textContent = label; }, 3000);
			}, function () {});
		});
	});
	each("[data-download]", function (button) {
		button.hidden = false;
		button.addEventListener("click", function () {
			var text = [page.getElementById("file").textContent, button.dataset.note, ""].concat(lines(page.getElementById("recovery-codes")), "");
			var link = page.createElement("a");
			link.href = URL.createObjectURL(new Blob([text.join("\r\n")], { type: "text/plain" }));
			link.download = button.dataset.download;
			link.click();
			setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
			kept();
		});
	});
	each("[data-print]", function (button) {
		button.hidden = false;
		button.addEventListener("click", function () {
			print();
			kept();
		});
	});
})();
