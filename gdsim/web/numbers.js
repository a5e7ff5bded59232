// Numbers of a drawing: how they are encoded, looked up and written. An ES module.

const TYPES = { f4: Float32Array, f8: Float64Array, u1: Uint8Array };

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Replace the encoded arrays in a record, such as {"f4": "…"}, by typed arrays, and return the record. */
export function decode(record) {
  if (!record || typeof record !== "object" || ArrayBuffer.isView(record)) return record;
  const [[type, text] = []] = Object.entries(record);
  if (type in TYPES) return new TYPES[type](bytes(text).buffer);
  for (const key of Object.keys(record)) record[key] = decode(record[key]);
  return record;
}

export async function unpacked(text) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** Return the index of the last of some ascending times that is at most `time`, or 0 if there is none. */
export function indexAt(times, time) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}

/** Interpolate values at ascending times linearly at one time. */
export function interpolate(times, values, time) {
  const i = indexAt(times, time), next = Math.min(i + 1, times.length - 1), gap = times[next] - times[i];
  return gap > 0 && time > times[i] ? values[i] + (time - times[i]) / gap * (values[next] - values[i]) : values[i];
}

/** Interpolate rows of numbers at ascending times linearly at one time. */
export function rowAt(times, rows, time) {
  const size = rows.length / times.length, i = indexAt(times, time), next = Math.min(i + 1, times.length - 1);
  const share = next > i ? (time - times[i]) / (times[next] - times[i]) : 0, ahead = rows.subarray(next * size);
  return rows.slice(i * size, (i + 1) * size).map((each, k) => each + share * (ahead[k] - each));
}

/** Format a number with some significant digits. */
export function written(number, digits = 4) {
  if (!Number.isFinite(number)) return "NaN";
  const size = Math.abs(number);
  if (!size || (size >= 1e-3 && size < 1e4)) return String(Number((size && number).toPrecision(digits))).replaceAll("-", "−");
  const [mantissa, exponent] = number.toExponential(digits - 1).split("e");
  const raised = [...exponent].map(sign => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)] ?? "").join("");
  return `${mantissa.replaceAll("-", "−")}·10${raised}`;
}

/** Return the index of the start with the lowest value. */
export function lowest(iterates, row, starts) {
  let best = 0;
  for (let start = 1; start < starts; start++) {
    const value = iterates.values[row * starts + start], least = iterates.values[row * starts + best];
    if (value < least || Number.isNaN(least)) best = start;
  }
  return best;
}
