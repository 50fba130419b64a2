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
    if (form.dataset.sent) { e.preventDefault(); return; }
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

  // Papers are printed from a hidden frame, without a preview if the browser was
  // started so (WP-067).
  document.addEventListener("click", function (e) {
    var link = e.target.closest && e.target.closest("a[data-print]");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    var frame = document.getElementById("paper");
    if (frame) frame.remove();
    frame = document.createElement("iframe");
    frame.id = "paper";
    frame.className = "unseen";
    frame.tabIndex = -1;
    frame.setAttribute("aria-hidden", "true");
    frame.onload = function () {
      var path = "";
      try { path = frame.contentWindow.location.pathname; } catch (x) { /* a page that may not be framed: an error */ }
      if (path === link.pathname) {
        frame.contentWindow.print();
        link.focus();
      } else if (path) {
        location.reload(); // the session is over
      } else {
        location.assign(link.href);
      }
    };
    frame.src = link.href;
    document.body.append(frame);
  });

  // Windows hold the focus until they are closed.
  document.querySelectorAll("dialog[data-modal]").forEach(function (d) { d.close(); d.showModal(); });

  // What is typed next goes here, and takes the place of what is there.
  var first = document.querySelector("dialog[open] [autofocus]") || document.querySelector("[autofocus]");
  if (first) {
    first.focus();
    if (first.select) first.select();
  }

  // A page that came from the browser's memory may show what is not so any more.
  window.addEventListener("pageshow", function (e) { if (e.persisted) location.reload(); });
})();
