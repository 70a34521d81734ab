// Keys for the page; without it every button and link still works.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const items = () => all("[data-item]");
  const dialog = document.getElementById("keys");
  const opener = document.querySelector("[data-opens=keys]");
  if (opener && dialog.showModal) {
    opener.hidden = false;
    opener.addEventListener("click", () => dialog.showModal());
  }

  const current = () => document.activeElement && document.activeElement.closest("[data-item]");

  function focus(item) {
    const target = item.querySelector("h2 a") && !item.hasAttribute("tabindex") ? item.querySelector("h2 a") : item;
    target.focus({ preventScroll: true });
    item.scrollIntoView({ block: item.offsetHeight > innerHeight * 0.7 ? "start" : "center" });
  }

  function step(by) {
    const list = items();
    if (!list.length) return;
    const at = list.indexOf(current());
    focus(list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1)]);
  }

  function press(key) {
    const item = current();
    const copy = item && !item.hasAttribute("data-whole") ? item : null;
    const own = copy && copy.querySelector(`[data-rule="${key}"]`);
    const whole = document.querySelector(`[data-whole-buttons] [data-rule="${key}"]`);
    const shared = document.querySelector(`[data-key="${key}"]`);
    const target = own || (copy ? null : whole) || shared;
    if (!target) return false;
    if (target.closest("details:not([open])")) target.closest("details").open = true;
    if (target.matches("input")) target.focus();
    else target.click();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape") {
      if (document.activeElement && document.activeElement !== document.body && !dialog.open) document.activeElement.blur();
      return;
    }
    if (typing || dialog.open) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key.length !== 1 || event.key === "\"" || event.key === "\\" || !press(event.key)) return;
    event.preventDefault();
  });

  // Enter in the note would press the first button of the form, which confirms: a ruling is never made by accident.
  all("#note, [name=other]").forEach((field) => field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const merge = field.name === "other" && document.querySelector("[name=ruling][value=merge]");
    if (merge && field.value.trim()) merge.click();
    else field.blur();
  }));

  // One press, one ruling.
  const sent = new WeakSet();
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (sent.has(event.target)) event.preventDefault();
    sent.add(event.target);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
