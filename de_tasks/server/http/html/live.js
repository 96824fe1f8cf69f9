// The script of an app's page. It follows the log: asks for more, each request held open by the server.
"use strict";
const log = document.getElementById("log");
const head = document.getElementById("head");
const page = head ? head.dataset.page : location.href; // after a form, not the form's own address
const LONGEST = 5000; // lines that come to the page and are kept on it
const PAUSE = 2000; // ms between two requests, which cost a point each
const OVER = ["built", "failed", "cancelled"];

function show(found) {
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  for (const line of found.lines) log.append(line + "\n");
  while (log.childNodes.length > LONGEST) log.firstChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

// What else the page says of a build: taken from the page as it is now.
async function refresh() {
  const answer = await fetch(page, { credentials: "same-origin" }).catch(() => null);
  if (!answer || !answer.ok) return;
  const now = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const next = now.getElementById(part.id);
    // Not under the hands of who is using it.
    if (next && !part.contains(document.activeElement)) part.replaceWith(next);
  }
}

async function note(status) {
  const badge = document.getElementById("status");
  if (!badge || badge.textContent === status) return;
  badge.textContent = status;
  badge.className = "badge " + status;
  await refresh();
}

async function follow() {
  const address = new URL(log.dataset.live);
  if (log.dataset.after) address.searchParams.set("after", log.dataset.after);
  log.scrollTop = log.scrollHeight;
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
        await refresh();
        continue;
      }
      build = found.id ?? null;
      show(found);
      address.searchParams.set("after", found.next);
      if (found.status) await note(found.status);
      // One build's page has nothing more to wait for.
      if (address.searchParams.has("build") && OVER.includes(found.status)) return;
    } else if (answer && answer.status === 429) {
      pause = 1000 * Number(answer.headers.get("Retry-After") || 60);
    } else if (answer && answer.status < 500) {
      return;
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

// Where no log is followed: until a first build begins, and until a build ends.
async function watch(address) {
  for (;;) {
    const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
    let pause = PAUSE;
    if (answer && answer.ok) {
      const found = await answer.json();
      await refresh();
      if (OVER.includes(found.status)) return;
    } else if (answer && answer.status === 429) {
      pause = 1000 * Number(answer.headers.get("Retry-After") || 60);
    } else if (answer && answer.status < 500) {
      return;
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

// A file that is too large is refused before it is sent: a browser shows no answer that comes while it still sends.
for (const chooser of document.querySelectorAll("input[data-most]")) {
  chooser.addEventListener("change", () => {
    const file = chooser.files[0];
    const most = Number(chooser.dataset.most);
    const large = file && file.size > most;
    chooser.setCustomValidity(
      large ? `${file.name} has ${file.size} bytes, and at most ${most} are allowed: choose a smaller one.` : ""
    );
    chooser.reportValidity();
  });
}

if (log && log.dataset.live) follow();
else if (head && head.dataset.watch) watch(head.dataset.watch);
