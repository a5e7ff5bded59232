"use strict";

// The animation plays unless the reader prefers reduced motion; only the visible one of the two is played.
const still = matchMedia("(prefers-reduced-motion: reduce)");
const night = matchMedia("(prefers-color-scheme: dark)");
const films = [...document.querySelectorAll("video")];

function roll() {
  for (const film of films) {
    const seen = getComputedStyle(film).display !== "none";
    if (seen && !still.matches) film.play().catch(() => {});
    else film.pause();
  }
}
still.addEventListener("change", roll);
night.addEventListener("change", roll);
roll();

// Clicking a heading sorts its table, clicking again reverses the order; missing values stay last.
function valueOf(row, column) {
  const cell = row.cells[column];
  if (cell === undefined || cell.colSpan > 1) return null;
  const text = cell.dataset.value;
  if (text === undefined) return cell.textContent.trim();
  return text === "" ? null : text === "inf" ? Infinity : Number(text);
}

function compared(one, other) {
  if (typeof one === "string") return one.localeCompare(other, "en", { numeric: true });
  return one === other ? 0 : one < other ? -1 : 1;
}

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  const told = table.closest("section").querySelector("[role=status]");
  headings.forEach((heading, column) => {
    const button = heading.querySelector("button");
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      const first = heading.dataset.first || "ascending";
      const order = before === "none" ? first : before === "ascending" ? "descending" : "ascending";
      for (const each of headings) each.setAttribute("aria-sort", each === heading ? order : "none");
      const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, column), row]);
      rows.sort(([one], [other]) => {
        if (one === null || other === null) return (one === null) - (other === null);
        return order === "ascending" ? compared(one, other) : compared(other, one);
      });
      table.tBodies[0].append(...rows.map(([, row]) => row));
      table.classList.remove("in-order");
      told.textContent = `Sorted by ${button.textContent.trim()}, ${order}.`;
    });
  });
}

for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    const source = button.parentElement.querySelector("pre");
    let copied = true;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // If the clipboard is not permitted, the text is selected instead.
      getSelection().selectAllChildren(source);
      copied = false;
    }
    button.textContent = copied ? "Copied" : "Selected: press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
