// Keeps the parts of a page fresh that say so: <div data-live="/address" data-every="2000">.
// When the server is silent, the page says so: what looks calm must not be old.
(function () {
  "use strict";
  var notice = document.getElementById("silence");

  function keep(part) {
    var every = Number(part.dataset.every) || 2000;
    var failures = 0;
    var since = new Date();

    function again() { window.setTimeout(look, every); }

    function look() {
      if (document.hidden) { again(); return; }
      var stop = new AbortController();
      var limit = window.setTimeout(function () { stop.abort(); }, 10000);
      fetch(part.dataset.live, { credentials: "same-origin", signal: stop.signal, redirect: "manual" })
        .then(function (answer) {
          if (answer.type === "opaqueredirect") { window.location.reload(); }  // the session has ended
          if (!answer.ok) { throw new Error(String(answer.status)); }
          return answer.text();
        })
        .then(function (text) {
          if (part.innerHTML !== text && !holdsFocus(part)) { part.innerHTML = text; }
          failures = 0;
          since = new Date();
          if (notice) { notice.hidden = true; }
          if (part.querySelector("[data-over]")) { window.location.reload(); return; }
          again();
        })
        .catch(function () {
          failures += 1;
          if (failures >= 2 && notice) {
            notice.textContent = notice.dataset.says.replace("{at}", since.toLocaleTimeString());
            notice.hidden = false;
          }
          again();
        })
        .finally(function () { window.clearTimeout(limit); });
    }
    again();
  }

  function holdsFocus(part) {
    return part.contains(document.activeElement);
  }

  document.querySelectorAll("[data-live]").forEach(keep);
})();
