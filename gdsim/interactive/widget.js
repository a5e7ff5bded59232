// The studio in a notebook: the player of the first picture until a kernel answers, then the page in a frame of its own,
// which isolates its style and its keys.

function render({ model, el }) {
  const player = document.createElement("div"), frame = document.createElement("iframe"), view = crypto.randomUUID();
  player.innerHTML = model.get("_player");
  Object.assign(frame, { title: "gdsim studio", srcdoc: model.get("_page"), allow: "clipboard-write; fullscreen" });
  frame.style.cssText = "display: none; width: 100%; height: min(46rem, 92vh); border: 0";

  const toKernel = ({ source, data }) => {
    if (source === frame.contentWindow) model.send({ ...data, view });
  };
  const toPage = (message, views) => {
    if (message.view !== view) return;
    player.remove();
    frame.style.display = "block";
    const buffers = (views ?? []).map((each) => new Uint8Array(each.buffer, each.byteOffset, each.byteLength).slice().buffer);
    frame.contentWindow.postMessage({ message, buffers }, "*", buffers);
  };
  addEventListener("message", toKernel);
  model.on("msg:custom", toPage);
  el.append(player, frame);
  return () => {
    removeEventListener("message", toKernel);
    model.off("msg:custom", toPage);
    model.send({ type: "close", view });
  };
}

export default { render };
