// Keys of the workplace's pages: what has data-key is pressed by that key, or
// gets the focus if it is typed into. The place on the keyboard counts and not the
// letter on it, so that a layout changes nothing. Every page works without.
(function () {
  "use strict";
  document.documentElement.classList.add("scripted");

  function name(e) {
    var code = e.code.replace(/^(Digit|Numpad|Key)/, "");
    return (e.ctrlKey ? "Ctrl+" : "") + (e.altKey ? "Alt+" : "") + (e.shiftKey ? "Shift+" : "") + code;
  }

  function press(target) {
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && !/^(submit|checkbox|radio)$/.test(target.type)) {
      target.focus();
      if (target.select) target.select();
    } else {
      target.click();
    }
  }

  document.addEventListener("keydown", function (e) {
    if (e.repeat || e.isComposing || e.defaultPrevented || !e.code) return;
    var key = name(e), typing = e.target.matches && e.target.matches("input:not([type=checkbox]):not([type=radio]), select, textarea");
    if (key.length === 1 && typing) return; // a digit is typed
    var scope = document.querySelector("dialog[open]") || document; // what lies behind a window waits
    var target = scope.querySelector('[data-key="' + key + '"]:not(:disabled)');
    if (!target || target.closest("[hidden]")) return;
    e.preventDefault();
    press(target);
  });

  // A form is sent once, however often Enter is pressed.
  document.addEventListener("submit", function (e) {
    var form = e.target;
    if (form.dataset.sent && !form.hasAttribute("data-print")) { e.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { delete form.dataset.sent; }, 3000); // if the answer was a file, or none
  });

  // The file of a certificate is read into the field where it could be pasted.
  document.addEventListener("change", function (e) {
    var into = e.target.dataset && e.target.dataset.into, file = into && e.target.files[0];
    if (!file || file.size > 65536) return;
    file.arrayBuffer().then(function (content) {
      var bytes = String.fromCharCode.apply(null, new Uint8Array(content));
      if (bytes.indexOf("-----BEGIN") < 0) bytes = "-----BEGIN CERTIFICATE-----\n" + btoa(bytes).replace(/(.{64})/g, "$1\n") + "\n-----END CERTIFICATE-----\n";
      document.getElementById(into).value = bytes;
    });
  });

  // What has data-print, a link or a form, is printed from a hidden frame: without
  // preview where the browser prints silently. A page that may not be shown there,
  // because the session is over or something failed, is opened instead.
  var frames = 0;
  function print(open, elsewhere) {
    var frame = document.createElement("iframe"), old = document.getElementById("paper"), from = document.activeElement;
    if (old) old.remove();
    frame.id = "paper";
    frame.className = "printer";
    frame.name = "printer" + ++frames;
    frame.title = "";
    frame.tabIndex = -1;
    frame.setAttribute("aria-hidden", "true");
    document.documentElement.classList.add("printing");
    frame.addEventListener("load", function () {
      var page = null;
      try { page = frame.contentDocument; } catch (e) { page = null; }
      if (page && page.URL === "about:blank") return;
      document.documentElement.classList.remove("printing");
      if (!page || !page.body || !page.body.hasAttribute("data-paper")) { elsewhere(); return; }
      frame.contentWindow.print();
      window.focus();
      if (from && from.focus) from.focus(); // the next key goes where it went before
      document.documentElement.dataset.printed = String(frames);
    });
    document.body.appendChild(frame);
    open(frame);
  }
  document.addEventListener("click", function (e) {
    var link = e.target.closest && e.target.closest("a[data-print]");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    print(function (frame) { frame.src = link.href; }, function () { location.href = link.href; });
  });
  document.addEventListener("submit", function (e) {
    var form = e.target;
    if (!form.hasAttribute("data-print") || e.defaultPrevented) return;
    print(function (frame) { form.target = frame.name; }, function () { form.removeAttribute("target"); form.removeAttribute("data-print"); form.submit(); });
  });

  // A paper that was opened as a page has a button.
  document.addEventListener("click", function (e) {
    if (e.target.closest && e.target.closest("[data-print-this]")) window.print();
  });

  // In a table with data-rows the arrows go from row to row, and 1 and 3 print so
  // many copies of the row's receipt.
  document.addEventListener("keydown", function (e) {
    var row = e.target.closest && e.target.closest("table[data-rows] tbody tr");
    if (!row || e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
    var to = e.code === "ArrowDown" ? row.nextElementSibling : e.code === "ArrowUp" ? row.previousElementSibling : null;
    if (to) {
      var here = Array.prototype.indexOf.call(row.querySelectorAll("a, button"), e.target), all = to.querySelectorAll("a, button");
      var next = all[Math.min(here, all.length - 1)];
      if (next) { e.preventDefault(); next.focus(); }
      return;
    }
    var copies = /^(Digit|Numpad)([13])$/.exec(e.code), link = copies && row.querySelector('[data-copies="' + copies[2] + '"]');
    if (link && !e.repeat) { e.preventDefault(); link.click(); }
  });

  // Windows hold the focus until they are closed.
  document.querySelectorAll("dialog[data-modal]").forEach(function (d) { d.close(); d.showModal(); });

  // The next key goes where it should, also to what only a script shows, and on a
  // busy computer too. What is typed, or scanned, takes the place of what is there,
  // unless somebody fast has typed already.
  var first = (document.querySelector("dialog[open]") || document).querySelector("[autofocus]");
  if (first) {
    first.focus();
    if (first.select && first.value && first.value === first.defaultValue && !/password/.test(first.type)) first.select();
  }

  // A page that came from the browser's memory may show what is not so any more.
  window.addEventListener("pageshow", function (e) { if (e.persisted) location.reload(); });
})();
