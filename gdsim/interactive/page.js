// The page of `gdsim studio`: a studio whose messages go through a WebSocket.

import { loadLink } from "./files.js";
import { mount } from "./studio.js";

const socket = new WebSocket(`ws://${location.host}/connection`), waiting = [];
socket.binaryType = "arraybuffer";

const connection = {
  onmessage: null,
  send(message) {
    const text = JSON.stringify(message);
    if (socket.readyState === WebSocket.CONNECTING) waiting.push(text);
    else socket.send(text);
  },
};

socket.onopen = () => waiting.forEach((text) => socket.send(text));
socket.onmessage = ({ data }) => {
  if (typeof data === "string") return connection.onmessage(JSON.parse(data), []);
  const size = new DataView(data).getUint32(0, true);
  const message = JSON.parse(new TextDecoder().decode(data.slice(4, 4 + size)));
  return connection.onmessage(message, [data.slice(4 + size)]);
};
socket.onclose = () => connection.onmessage({ type: "closed" }, []);

const studio = mount(document.getElementById("studio"), connection, window);
if (location.hash) loadLink(studio, location.hash);
studio.on("history", () => { document.title = `${studio.file ?? "new config"} – gdsim studio`; });
addEventListener("beforeunload", (event) => { if (studio.text !== studio.saved) event.preventDefault(); });
