// Scales of sliders: how the place of a slider, a whole number, maps to a value, and back.

/** Round to significant digits, as one would write the number. */
export const rounded = (value, digits = 3) => Number(Number(value).toPrecision(digits));

const linear = (low, high, step) => ({
  last: Math.round((high - low) / step),
  value: (place) => rounded(low + place * step, 12),
  place: (value) => (value - low) / step,
});

/** A logarithmic scale, of which the first place can be zero. */
const logarithmic = (low, high, { zero = false, perDecade = 40, digits = 3, whole = false } = {}) => ({
  last: Math.round(perDecade * Math.log10(high / low)) + (zero ? 1 : 0),
  value: (place) => {
    if (zero && place === 0) return 0;
    const value = rounded(low * 10 ** ((place - (zero ? 1 : 0)) / perDecade), digits);
    return whole ? Math.round(value) : value;
  },
  place: (value) => value <= 0 ? 0 : perDecade * Math.log10(value / low) + (zero ? 1 : 0),
});

/** A scale from 0 towards 1, finer the nearer to 1: 0.9, 0.99 and 0.999 are evenly spaced. */
const nearOne = (perDecade = 40, decades = 4) => ({
  last: perDecade * decades,
  value: (place) => Number((1 - rounded(10 ** (-place / perDecade), 2)).toFixed(decades + 2)),
  place: (value) => value >= 1 ? perDecade * decades : -perDecade * Math.log10(1 - Math.max(value, 0)),
});

/** Scales by the names of settings; others have one if their schema has a range. */
const SCALES = [
  [/^(lr|max_lr|base_lr)$/, logarithmic(1e-4, 10)],
  [/^(momentum|betas|alpha|rho|gamma|factor|max_momentum|base_momentum)$/, nearOne()],
  [/^(lr_decay|weight_decay|momentum_decay|eta_min|min_lr|lambd)$/, logarithmic(1e-6, 1, { zero: true })],
  [/^(dampening|start_factor|end_factor|pct_start|test)$/, linear(0, 1, 0.01)],
  [/^eps$/, logarithmic(1e-12, 1)],
  [/^noise$/, logarithmic(1e-2, 100, { zero: true })],
  [/^clip_norm$/, logarithmic(1e-2, 1000)],
  [/^(steps|T_max|T_0|step_size|total_iters|total_steps|epochs|history_size|max_iter|random|batch_size)$/,
    logarithmic(1, 10000, { digits: 2, whole: true })],
];

/** Return the scale for a setting, or null if a slider would not fit it. */
export function scaleOf(name, { type, minimum, exclusiveMinimum, maximum }) {
  const low = minimum ?? exclusiveMinimum, known = SCALES.find(([pattern]) => pattern.test(name));
  if (type !== "number" && type !== "integer") return null;
  if (known) return known[1];
  if (low === undefined || maximum === undefined) return null;
  if (maximum - low > 1000 && (low <= 0 || maximum > 1e9)) return null;
  if (maximum - low > 1000) return logarithmic(low, maximum, { whole: type === "integer" });
  const step = type === "integer" ? 1 : maximum - low > 20 ? 0.5 : rounded((maximum - low) / 100, 1);
  return exclusiveMinimum === undefined ? linear(low, maximum, step) : linear(low + step, maximum, step);
}
