// Follows the log of an app's page: asks for more, each request held open by the server.
"use strict";
const log = document.getElementById("log");
const badge = document.getElementById("status");
const LONGEST = 5000; // lines kept on the page
const PAUSE = 2000; // ms between two requests, which cost a point each

function show(found) {
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  for (const line of found.lines) log.append(line + "\n");
  while (log.childNodes.length > LONGEST) log.firstChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
  if (found.status) {
    badge.textContent = found.status;
    badge.className = "badge " + found.status;
  }
}

async function follow() {
  const address = new URL(log.dataset.live);
  let build = null;
  for (;;) {
    const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
    let pause = PAUSE;
    if (answer && answer.ok) {
      const found = await answer.json();
      if (build !== null && found.id !== build) {
        // A new build has begun: its log begins anew.
        log.replaceChildren();
        address.searchParams.delete("after");
        build = found.id;
        continue;
      }
      build = found.id ?? null;
      show(found);
      address.searchParams.set("after", found.next);
    } else if (answer && answer.status === 429) {
      pause = 1000 * Number(answer.headers.get("Retry-After") || 60);
    } else if (answer && answer.status < 500) {
      return;
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

if (log) follow();
