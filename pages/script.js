// Pages work without this. It keeps a double click from sending a form twice, and offers to copy and to print.
(function () {
	"use strict";
	document.addEventListener("submit", function (event) {
		var form = event.target;
		if (form.dataset.sent) {
			event.preventDefault();
			return;
		}
		form.dataset.sent = "1";
		setTimeout(function () { delete form.dataset.sent; }, 5000);
	});
	function each(selector, action) {
		Array.prototype.forEach.call(document.querySelectorAll(selector), action);
	}
	each("[data-copy]", function (button) {
		if (!navigator.clipboard) {
			return;
		}
		var label = button.textContent;
		button.hidden = false;
		button.addEventListener("click", function () {
			var source = document.getElementById(button.dataset.copy);
			var items = source.querySelectorAll("li");
			var text = items.length ? Array.prototype.map.call(items, function (item) { return item.textContent; }).join("\n") : source.textContent;
			navigator.clipboard.writeText(text).then(function () {
				button.textContent = button.dataset.done;
				setTimeout(function () { button.textContent = label; }, 3000);
			}, function () {});
		});
	});
	each("[data-print]", function (button) {
		button.hidden = false;
		button.addEventListener("click", function () { window.print(); });
	});
})();
