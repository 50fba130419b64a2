// The payments screen: organisations are found as somebody types, rows and lists
// have keys of their own, and what was calculated does not stand after a change.
(function () {
  "use strict";
  var form = document.getElementById("desk");

  // WP-537: the server says so too.
  function changed(e) {
    if (!/^(amount-|unit$|asan-unit$)/.test(e.target.name || "")) return;
    var pay = document.getElementById("pay");
    if (!pay || pay.disabled) return;
    pay.disabled = true;
    document.querySelectorAll("[data-sum]").forEach(function (sum) { sum.textContent = sum.tagName === "TD" ? "–" : ""; });
  }

  // The search of organisations (WP-030): the server knows the letters.
  function search(field) {
    var list = document.createElement("ul"), hits = [], at = 0, asked = 0, answered = 0, enter = false, timer = 0;
    list.id = "hits";
    list.className = "hits";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", field.dataset.hits);
    field.after(list);
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", "hits");
    field.setAttribute("aria-expanded", "false");

    function choose(i) {
      var b = document.createElement("button");
      b.hidden = true;
      b.name = "choose";
      b.value = hits[i].id;
      b.formAction = "/payments/organisation";
      form.append(b);
      form.requestSubmit(b);
      b.remove();
    }
    function show() {
      list.replaceChildren.apply(list, hits.map(function (h, i) {
        var o = document.createElement("li");
        o.id = "hit-" + i;
        o.setAttribute("role", "option");
        o.setAttribute("aria-selected", String(i === at));
        o.textContent = h.name;
        o.onpointerdown = function (e) { e.preventDefault(); choose(i); };
        return o;
      }));
      list.hidden = !hits.length;
      field.setAttribute("aria-expanded", String(!list.hidden));
      if (hits.length) field.setAttribute("aria-activedescendant", "hit-" + at);
      else field.removeAttribute("aria-activedescendant");
    }
    function ask() {
      var n = ++asked, typed = field.value.trim();
      if (!typed) { answered = n; hits = []; show(); return; }
      fetch(field.dataset.search + "?q=" + encodeURIComponent(typed)).then(function (r) {
        if (r.redirected || !/json/.test(r.headers.get("Content-Type"))) throw new Error("no answer");
        return r.json();
      }).catch(function () { return []; }).then(function (found) {
        if (n < asked) return;
        answered = n;
        hits = found;
        at = 0;
        show();
        if (enter) go();
      });
    }
    function go() {
      enter = false;
      if (hits.length) choose(at);
      else form.requestSubmit();
    }
    field.addEventListener("input", function () {
      clearTimeout(timer);
      asked++;
      timer = setTimeout(ask, 60);
    });
    field.addEventListener("blur", function () { list.hidden = true; field.setAttribute("aria-expanded", "false"); });
    field.addEventListener("keydown", function (e) {
      if (e.isComposing) return;
      if (e.key === "Enter" && field.value.trim()) {
        e.preventDefault();
        if (answered === asked && hits.length && !list.hidden) { go(); return; }
        enter = true;
        clearTimeout(timer);
        ask();
      } else if ((e.key === "ArrowDown" || e.key === "ArrowUp") && hits.length) {
        e.preventDefault();
        at = (at + (e.key === "ArrowDown" ? 1 : hits.length - 1)) % hits.length;
        show();
      } else if (e.key === "Escape" && hits.length) {
        e.preventDefault();
        hits = [];
        show();
      }
    });
  }

  // “Ödənişi əlavə et” is “Axtar” again when another account is typed.
  function account(field, add) {
    var text = add.querySelector("span"), same = text.textContent;
    field.addEventListener("input", function () {
      var typed = field.value.replace(/\s/g, "").toUpperCase();
      if (add.dataset.other) text.textContent = typed === add.dataset.known ? same : add.dataset.other;
    });
    field.addEventListener("keydown", function (e) {
      if (e.key !== "Enter" || e.isComposing || !field.value.trim()) return;
      e.preventDefault();
      form.requestSubmit(add);
    });
  }

  function name(e) { return (e.ctrlKey ? "Ctrl+" : "") + (e.altKey ? "Alt+" : "") + (e.shiftKey ? "Shift+" : "") + e.code; }

  // Keys of the row that has the focus, or else of the first.
  function rowKey(e) {
    if (e.repeat || e.isComposing || document.querySelector("dialog[open]")) return;
    var key = name(e), row = e.target.closest && e.target.closest("[data-row]") || document.querySelector("[data-row]");
    if (!row) return;
    var button = row.querySelector('[data-row-key="' + key + '"]') || row.closest("tbody").querySelector('.group [data-row-key="' + key + '"]');
    if (!button) return;
    e.preventDefault();
    button.click();
  }

  // Up and down go from one amount, or entry of a list, to the next.
  function arrows(e) {
    if (e.key !== "ArrowUp" && e.key !== "ArrowDown" || e.altKey || e.ctrlKey) return;
    var all, here = e.target;
    if (here.classList.contains("amount")) all = document.querySelectorAll(".amount");
    else if (here.closest("[data-arrows]")) all = here.closest("[data-arrows]").querySelectorAll("button, input");
    else return;
    all = Array.prototype.slice.call(all);
    var next = all[all.indexOf(here) + (e.key === "ArrowDown" ? 1 : -1)];
    e.preventDefault();
    if (!next) return;
    next.focus();
    if (next.select && next.type !== "checkbox") next.select();
  }

  // A letter goes to the next entry of a list that begins with it.
  function letter(e) {
    var list = e.target.closest && e.target.closest("ul[data-arrows]");
    if (!list || e.key.length !== 1 || e.key === " " || e.ctrlKey || e.altKey) return;
    var all = Array.prototype.slice.call(list.querySelectorAll("button")), from = all.indexOf(e.target) + 1;
    var next = all.slice(from).concat(all.slice(0, from)).find(function (b) {
      return b.textContent.toLocaleLowerCase("az").indexOf(e.key.toLocaleLowerCase("az")) === 0;
    });
    if (next) next.focus();
  }

  document.querySelectorAll("details.copies").forEach(function (d) {
    d.querySelector("summary").addEventListener("click", function () {
      setTimeout(function () { if (d.open) d.querySelector("a").focus(); });
    });
  });
  if (!form) return;
  form.addEventListener("input", changed);
  form.addEventListener("keydown", arrows);
  form.addEventListener("keydown", letter);
  document.addEventListener("keydown", rowKey);
  form.querySelectorAll("select[data-enter]").forEach(function (s) {
    s.addEventListener("keydown", function (e) {
      if (e.key !== "Enter") return;
      e.preventDefault();
      form.requestSubmit(document.getElementById(s.dataset.enter));
    });
  });
  form.addEventListener("click", function (e) { // WP-045, WP-049
    var row = e.target.closest("[data-row]");
    if (!row || e.target.closest("input, button, a, select, label")) return;
    var open = row.querySelector('[data-row-key="F6"]');
    if (open && !String(getSelection())) open.click();
  });
  var field = form.querySelector("[data-search]"), number = document.getElementById("account"), add = document.getElementById("add");
  if (field) search(field);
  if (number && add) account(number, add);
})();
