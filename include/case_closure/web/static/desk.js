// The desk without this works the same: a running night is looked at again by itself, and one box ticks all.
const refreshed = document.querySelector("[data-refresh]");
if (refreshed) {
  const again = async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(refreshed.id);
    const now = document.getElementById(refreshed.id);
    if (!page || !now) return;
    now.replaceChildren(...page.childNodes);
    if ("refresh" in page.dataset) setTimeout(again, Number(page.dataset.refresh) * 1000);
  };
  setTimeout(again, Number(refreshed.dataset.refresh) * 1000);
}
for (const all of document.querySelectorAll("[data-select-all]")) {
  all.hidden = false;
  all.addEventListener("change", (event) => {
    for (const box of all.closest("form").querySelectorAll("input[type=checkbox][name]")) box.checked = event.target.checked;
  });
}
