// The page of `gdsim studio`: a studio whose messages go through a WebSocket.

import { loadLink } from "./files.js";
import { mount } from "./studio.js";

const PAUSE = 1000;  // milliseconds until a lost connection is tried again

let socket = null, wasGreeted = false;

const connection = {
  onmessage: null,
  send(message) {
    const { type, id } = message, lost = { type: "failed", id, message: "The server cannot be reached." };
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    else if (type === "save" || type === "export") queueMicrotask(() => connection.onmessage(lost, []));
  },
};

function connect() {
  let isGreeted = false;
  socket = new WebSocket(`ws://${location.host}/connection`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    const size = typeof data === "string" ? 0 : new DataView(data).getUint32(0, true);
    const message = JSON.parse(size ? new TextDecoder().decode(data.slice(4, 4 + size)) : data);
    connection.onmessage(message, size ? [data.slice(4 + size)] : []);
    if (message.type !== "hello") return;
    if (wasGreeted) studio.resume();
    else studio.open();
    isGreeted = wasGreeted = true;
  };
  socket.onclose = () => {
    if (isGreeted) connection.onmessage({ type: "closed" }, []);
    setTimeout(connect, PAUSE);
  };
}

const studio = mount(document.getElementById("studio"), connection, window);
const openLink = () => { if (location.hash) loadLink(studio, location.hash); };
connect();
openLink();
addEventListener("hashchange", openLink);
studio.on("history", () => { document.title = `${studio.file ?? "new config"} – gdsim studio`; });
addEventListener("beforeunload", (event) => { if (studio.text !== studio.saved) event.preventDefault(); });
