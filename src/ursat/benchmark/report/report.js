"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const stage = byId("stage");
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((details) => { details.open = true; });
  });
  if (!stage) return;
  const [scene, left, right, divider] = ["scene", "left", "right", "divider"].map(byId);

  const pieces = () => [...document.querySelectorAll(`.panel[data-scene="${scene.value}"] .piece img`)];

  const move = (percent) => {
    const at = Math.min(100, Math.max(0, percent));
    divider.value = at;
    stage.style.setProperty("--at", `${at}%`);
  };

  const show = (side, choice) => {
    const piece = pieces().find((one) => one.dataset.label === choice.value);
    const image = byId(`${side}-image`);
    image.src = piece.src;
    image.alt = piece.alt;
    byId(`${side}-note`).textContent = piece.dataset.note;
  };

  const refresh = () => {
    show("left", left);
    show("right", right);
  };

  const offer = (select, labels, preferred) => {
    const wanted = labels.includes(select.value) ? select.value : preferred;
    select.replaceChildren(...labels.map((label) => new Option(label, label, false, label === wanted)));
  };

  const choose = () => {
    const labels = pieces().map((one) => one.dataset.label);
    const methods = labels.filter((one) => !/^(input|reference$|ground truth$)/.test(one));
    offer(left, labels, labels[0]);
    offer(right, labels, methods[0] ?? labels.at(-1));
    refresh();
  };

  scene.addEventListener("change", choose);
  left.addEventListener("change", refresh);
  right.addEventListener("change", refresh);
  divider.addEventListener("input", () => move(Number(divider.value)));
  const follow = (event) => {
    const box = stage.getBoundingClientRect();
    move(Math.round((100 * (event.clientX - box.left)) / box.width));
  };
  stage.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    follow(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) follow(event);
  });
  choose();
  move(50);
})();
