// The way between the gateway and the card bridge of the desk's computer. What is
// carried is signed at both ends: this script can neither make nor change it, and
// decides nothing (docs/card-bridge.md).
(function () {
  "use strict";
  var WITHIN = 15000, TRIES = 5; // of one answer, in ms; and how often the same is asked

  function wait(ms) { return new Promise(function (done) { setTimeout(done, ms); }); }

  function show(at, state) {
    at.querySelectorAll("[data-card-state]").forEach(function (s) { s.hidden = s.dataset.cardState !== state; });
  }

  // call asks the bridge. It returns status, text and value of the answer; status
  // 0: nobody is there, -1: no answer in time.
  function call(url, body) {
    var stop = new AbortController(), timer = setTimeout(function () { stop.abort(); }, WITHIN);
    var init = { signal: stop.signal, cache: "no-store" };
    if (body) {
      init.method = "POST";
      init.headers = { "Content-Type": "application/json" };
      init.body = JSON.stringify(body);
    }
    return fetch(url, init).then(function (r) {
      return r.text().then(function (text) {
        var value = {};
        try { value = JSON.parse(text); } catch (e) { /* not a bridge */ }
        return { status: r.status, text: text, value: value };
      });
    }).catch(function () {
      return { status: stop.signal.aborted ? -1 : 0, text: "", value: {} };
    }).finally(function () { clearTimeout(timer); });
  }

  // challenge asks the server what the card is to be read for.
  function challenge() {
    return fetch("/cards/challenge", { method: "POST", cache: "no-store" }).then(function (r) {
      if (r.redirected || !/json/.test(r.headers.get("Content-Type"))) { location.reload(); return new Promise(function () {}); }
      return r.json();
    }).catch(function () { return {}; });
  }

  // read reads the card: the bridge's whole answer, or the code of what is wrong.
  async function read(bridge) {
    var asked = await challenge(), got;
    if (!asked.challenge) return { code: asked.code || "reader_not_ready" };
    for (var i = 1; i <= TRIES; i++) {
      got = await call(bridge + "/v1/card/read", { challenge: asked.challenge });
      if (got.status !== 503) break;
      await wait(500 * i);
    }
    if (got.status === 200) return { answer: got.text };
    if (got.status === -1) return { code: "no_answer" };
    return { code: got.value.code || "reader_not_ready" };
  }

  // carry has a ticket carried out, and returns the bridge's answer; empty: nobody
  // knows. A page that was loaded again asks first what became of it.
  async function carry(at) {
    var bridge = at.dataset.bridge, got;
    function decided() { return got.value.signature && /^(written|failed|reversed)$/.test(got.value.result); }
    for (var i = 1; i <= TRIES; i++) {
      got = await call(bridge + "/v1/tickets/" + encodeURIComponent(at.dataset.ticketId));
      if (decided()) return got.text;
      got = await call(bridge + "/v1/card/" + at.dataset.ticketOp, { ticket: at.dataset.ticket });
      if (decided()) return got.text;
      if (got.status !== -1 && got.status !== 503 && got.status !== 504) return "";
      await wait(500 * i);
    }
    return "";
  }

  document.querySelectorAll("form[data-card-read]").forEach(function (form) {
    var at = form.closest("[data-ticket]") || form.closest("section") || form;
    form.addEventListener("submit", async function (e) {
      e.preventDefault();
      if (form.dataset.reading) return;
      form.dataset.reading = "1";
      show(at, "reading");
      form.querySelectorAll("button").forEach(function (b) { b.disabled = true; });
      var got = await read(form.dataset.bridge);
      form.elements.read.value = got.answer || "";
      form.elements["not-ready"].value = got.code || "";
      form.submit();
    });
  });

  document.querySelectorAll("[data-ticket]").forEach(function (at) {
    var form = at.querySelector("form"), again = at.querySelector("[data-card-again]"), buttons = at.querySelectorAll("button");
    // What goes on from here waits until the card is decided.
    function busy(now) {
      show(at, now ? "writing" : "unknown");
      document.querySelectorAll("[data-card-after]").forEach(function (a) { a.hidden = now; });
      buttons.forEach(function (b) { b.hidden = now; });
    }
    async function go() {
      busy(true);
      var answer = await carry(at);
      if (answer) {
        form.elements.answer.value = answer;
        form.submit();
        return;
      }
      busy(false);
      again.focus();
    }
    again.addEventListener("click", go);
    go();
  });
})();
