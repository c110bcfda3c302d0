// Reads the page again with the key that was typed in, and from there the pages of events that it leads to. The key is
// kept by the open page alone, and the form has no name to send it under.
(() => {
  "use strict";
  let key = "";
  const show = async (href) => {
    const answer = await fetch(href, { headers: { authorization: `Bearer ${key}` }, cache: "no-store" });
    const read = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = read.title;
    document.getElementById("board").replaceWith(read.getElementById("board"));
  };
  document.addEventListener("submit", async (event) => {
    if (event.target.id !== "with-key") return;
    event.preventDefault();
    key = event.target.querySelector("input").value.trim();
    await show(location.href);
  });
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-keyed]");
    if (!key || !link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    await show(link.href);
    scrollTo(0, 0);
  });
  addEventListener("popstate", () => key && show(location.href));
})();
