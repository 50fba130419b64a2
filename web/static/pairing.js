// Pairs the card bridge of this computer with the gateway, if one waits for it,
// and brings a paired one the gateway's present keys. Nothing is shown: what does
// not work here shows when a card is read. The script names the bridge:
// <script data-bridge="127.0.0.1:47123">.
(function () {
  "use strict";
  var bridge = "http://" + document.currentScript.dataset.bridge;

  function json(answer) { if (!answer.ok) throw answer.status; return answer.json(); }

  function ask(path, field, value) {
    var form = new URLSearchParams();
    form.set(field, value);
    return fetch(path, { method: "POST", body: form, credentials: "same-origin", redirect: "error" }).then(json);
  }

  function bring(granted) {
    return fetch(bridge + "/v1/pairing", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ grant: granted.grant })
    }).then(json);
  }

  fetch(bridge + "/v1/status").then(json).then(function (status) {
    if (status.pairing) {
      return fetch(bridge + "/v1/pairing").then(json).then(function (waiting) { return ask("/bridge/pairing", "enrolment", waiting.enrolment); }).then(bring);
    }
    if (status.paired && !sessionStorage.getItem("bridge-keys")) {
      return ask("/bridge/keys", "workstation", status.workstation).then(bring).then(function () { sessionStorage.setItem("bridge-keys", "1"); });
    }
  }).catch(function () {});
})();
