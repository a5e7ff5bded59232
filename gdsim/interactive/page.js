// The page of `gdsim studio`: a studio whose messages go through a WebSocket.

import { loadLink } from "./files.js";
import { mount } from "./studio.js";

const PAUSE = 1000;  // milliseconds until a lost connection is tried again
const LONGEST = 2 ** 20;  // bytes of a message, of which longer ones end the connection
const ENDED = "The server has ended; the text is kept here. Start gdsim studio again, and open the address that it prints.";

let socket = null, wasGreeted = false, isLost = false;

const connection = {
  onmessage: null,
  send(message) {
    const text = JSON.stringify(message);
    if (text.length > LONGEST / 4 && new Blob([text]).size > LONGEST) fail(message, "The text is too long.");
    else if (socket.readyState === WebSocket.OPEN) socket.send(text);
    else if (message.type === "save" || message.type === "export") fail(message, "The server cannot be reached.");
  },
};

function fail({ id }, message) {
  queueMicrotask(() => connection.onmessage({ type: "failed", id, message }, []));
}

function connect() {
  let isGreeted = false, reason = ENDED;
  socket = new WebSocket(`ws://${location.host}/connection`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    const size = typeof data === "string" ? 0 : new DataView(data).getUint32(0, true);
    const message = JSON.parse(size ? new TextDecoder().decode(data.slice(4, 4 + size)) : data);
    connection.onmessage(message, size ? [data.slice(4 + size)] : []);
    if (message.type === "hello") isGreeted = begin();
    else if (!isGreeted) reason = message.message;  // too many pages are open
  };
  socket.onclose = () => {
    if (isGreeted) {  // also by the browser, which closes it when a page is frozen
      connection.onmessage({ type: "closed" }, []);
    } else {
      isLost = true;
      studio.say(reason, Infinity);
    }
    setTimeout(connect, PAUSE);
  };
}

/** Ask for the config when the server is there, or go on with the text. */
function begin() {
  if (wasGreeted) studio.resume();
  else studio.open();
  if (isLost) studio.say("The server is there again.");
  isLost = false;
  return wasGreeted = true;
}

const studio = mount(document.getElementById("studio"), connection, window);
const openLink = () => { if (location.hash) loadLink(studio, location.hash); };
connect();
openLink();
addEventListener("hashchange", openLink);
studio.on("history", () => { document.title = `${studio.file ?? "new config"} – gdsim studio`; });
addEventListener("beforeunload", (event) => { if (studio.text !== studio.saved) event.preventDefault(); });
