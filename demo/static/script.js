"use strict";

// The theme is a cookie that both sides read; changing it here spares a page load.
document.getElementById("theme")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const root = document.documentElement;
  const dark = root.dataset.theme === "dark" ||
    (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
});

// The socket shows who the server takes us for.
const live = document.getElementById("live");
if (live) {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws");
  socket.addEventListener("message", (event) => {
    live.textContent = `connected as ${JSON.parse(event.data).login}`;
    live.classList.add("on");
  });
  socket.addEventListener("close", () => {
    live.textContent = "not connected";
    live.classList.remove("on");
  });

  const events = new EventSource("/events?count=60");
  events.addEventListener("tick", (event) => {
    document.getElementById("balance").textContent = JSON.parse(event.data).balance;
  });
  events.addEventListener("done", () => events.close());
}
