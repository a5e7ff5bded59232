// Thumbnails play while they are pointed at or focused, and buttons filter them by topic.

const cards = [...document.querySelectorAll(".example")], buttons = [...document.querySelectorAll(".topics button")];
const still = matchMedia("(prefers-reduced-motion: reduce)");

for (const card of cards) {
  const picture = card.querySelector("img"), poster = picture.getAttribute("src");
  const play = () => { if (!still.matches) picture.src = picture.dataset.clip; };
  const stop = () => { picture.src = poster; };
  for (const event of ["pointerenter", "focus"]) card.addEventListener(event, play);
  for (const event of ["pointerleave", "blur"]) card.addEventListener(event, stop);
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    const chosen = button.getAttribute("aria-pressed") === "true" ? null : button.dataset.topic;
    for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.topic === chosen));
    for (const card of cards) card.hidden = chosen !== null && card.dataset.topic !== chosen;
  });
}
