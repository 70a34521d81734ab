// Keys for the page, and what a screen reader should hear; without it every button and link still works.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const dialog = document.getElementById("keys");

  // --- keys on and off, as WCAG 2.1.4 asks: who dictates, or leans on a key, rules nothing by accident ---
  const box = document.getElementById("keys-on");
  const kept = (() => { try { return localStorage; } catch { return null; } })();
  box.checked = !kept || kept.getItem("keys") !== "off";
  box.addEventListener("change", () => { if (kept) kept.setItem("keys", box.checked ? "on" : "off"); });

  all("[data-opens=keys]").forEach((opener) => {
    opener.hidden = false;
    opener.addEventListener("click", () => dialog.showModal());
  });

  // --- what is marked ---
  const current = () => document.activeElement && document.activeElement.closest("[data-item]");

  function mark(item) {
    (item.hasAttribute("tabindex") ? item : item.querySelector("a, button")).focus({ preventScroll: true });
    const room = innerHeight * 0.6;
    item.scrollIntoView({ block: item.offsetHeight > room ? "start" : "center" });
  }

  function step(by) {
    const list = all("[data-item]");
    if (!list.length) return;
    const at = list.indexOf(current());
    mark(list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1)]);
  }

  // --- keys ---
  // The letter on the key where the keyboard is set to another script: an Arabic one has no c.
  function meant(event) {
    if (event.key.length !== 1 || /^[!-~]$/.test(event.key)) return event.key;
    if (/^Key[A-Z]$/.test(event.code)) return event.code[3].toLowerCase();
    if (/^Digit[0-9]$/.test(event.code)) return event.code[5];
    return event.code === "Slash" ? (event.shiftKey ? "?" : "/") : event.key;
  }

  function press(key) {
    const item = current();
    const within = item && !item.hasAttribute("data-whole") ? item : null;
    const rule = (root) => all("[data-rule]", root).find((one) => one.dataset.rule === key);
    const target = within && within.querySelector("[data-rule]") ? rule(within) || shared(key)
      : all("[data-whole-buttons]").map(rule).find(Boolean) || shared(key);
    if (!target) return false;
    const closed = target.closest("details:not([open])");
    if (closed) closed.open = true;
    if (target.matches("input")) target.focus();
    else target.click();
    return true;
  }
  const shared = (key) => all("[data-key]").find((one) => one.dataset.key === key && !one.hidden);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog.open) return;
    const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape") {
      const at = document.activeElement;
      if (!at || at === document.body) return;
      // Out of a field back to what was being looked at; out of that to nothing.
      if (typing && last && last.isConnected) mark(last); else at.blur();
      return;
    }
    if (typing || !box.checked) return;
    if (event.key === "Enter" && event.target.matches("[data-item]")) {
      if (press("b")) event.preventDefault();
      return;
    }
    const key = meant(event);
    if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key.length !== 1 || key === " " || !press(key)) return;
    event.preventDefault();
  });

  let last = null;   // the item that was marked last
  document.addEventListener("focusin", () => { last = current() || last; });

  // Enter in the note would press the first button of the form, which confirms: a ruling is never made by accident.
  all("#note, #other").forEach((field) => field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (field.id === "other" && field.value.trim()) document.querySelector("[name=ruling][value=merge]").click();
    else if (last && last.isConnected) mark(last);
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

  // --- after an action ---
  // A screen reader says what changes, not what a page begins with.
  const news = document.querySelector("[data-announce], main [role=alert]");
  if (news) setTimeout(() => { document.getElementById("live").textContent = news.dataset.announce || news.innerText; }, 200);
  // The browser itself goes to what stands after the # of an address: the copy that was ruled on, the story one came from.
  if (news && !(location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1))))) news.focus();
})();
