// Numbers as text, as the commands of Temper write them.

/** A probability as a percentage. Only exact values are shown as 0 % and 100 %. */
export function percent(fraction) {
  const text = (100 * fraction).toFixed(1);
  if (text === "100.0" && fraction < 1) return "> 99.9 %";
  if (text === "0.0" && fraction > 0) return "< 0.1 %";
  return `${text} %`;
}

export const milliseconds = (value) => value.toFixed(value < 10 ? 1 : 0);

export const plural = (number, one) => `${number.toLocaleString("en")} ${number === 1 ? one : `${one}s`}`;

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
