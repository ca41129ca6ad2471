/**
 * The pictures: time by size on two logarithmic axes, and bars of ratios. Plain SVG, readable on light and dark grounds, no
 * library: a chart here is lines, labels and two scales.
 */

/** @typedef {import("./measure.js").Row} Row */

const palette = ["#d6336c", "#1c7ed6", "#2f9e44", "#e8590c", "#7048e8", "#0c8599", "#868e96", "#a61e4d"];
const font = 'font-family="system-ui, sans-serif"';

/** @param {string} text */
const escapeText = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** @param {number} bytes */
const formatBytes = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${bytes / 1024} KiB` : `${bytes / 1048576} MiB`);

/** @param {number} nanoseconds */
const formatTick = (nanoseconds) =>
  nanoseconds < 1e3 ? `${nanoseconds} ns` : nanoseconds < 1e6 ? `${nanoseconds / 1e3} us` : `${nanoseconds / 1e6} ms`;

/** @param {number} width @param {number} height @param {string} title @param {string} body */
function svg(width, height, title, body) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(title)}">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="24" y="32" ${font} font-size="17" font-weight="600" fill="#212529">${escapeText(title)}</text>
${body}
</svg>
`;
}

/**
 * Time a call by message size, one line a library.
 * @param {string} title
 * @param {string} subtitle
 * @param {Row[]} rows each with `bytes`
 * @param {(size: number) => string} [label] of a size; by default powers of two are labelled, as bytes
 */
export function plotBySize(title, subtitle, rows, label = (size) => (Math.log2(size) % 1 === 0 ? formatBytes(size) : "")) {
  const [width, height, left, right, top, bottom] = [760, 460, 70, 190, 70, 50];
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.medians)))];
  const sizes = rows.map((row) => row.bytes ?? 1);
  const times = rows.flatMap((row) => Object.values(row.medians));
  const [minX, maxX] = [Math.log10(Math.min(...sizes)), Math.log10(Math.max(...sizes))];
  const [minY, maxY] = [Math.floor(Math.log10(Math.min(...times))), Math.ceil(Math.log10(Math.max(...times)))];
  const x = (/** @type {number} */ bytes) => left + ((Math.log10(bytes) - minX) / (maxX - minX)) * (width - left - right);
  const y = (/** @type {number} */ time) =>
    height - bottom - ((Math.log10(time) - minY) / (maxY - minY)) * (height - top - bottom);
  const parts = [`<text x="24" y="52" ${font} font-size="12" fill="#495057">${escapeText(subtitle)}</text>`];
  for (let power = minY; power <= maxY; power++) {
    const at = y(10 ** power);
    parts.push(`<line x1="${left}" x2="${width - right}" y1="${at}" y2="${at}" stroke="#dee2e6"/>`);
    parts.push(
      `<text x="${left - 8}" y="${at + 4}" ${font} font-size="11" text-anchor="end" fill="#495057">${formatTick(10 ** power)}</text>`,
    );
  }
  for (const size of sizes.filter((size) => label(size) !== "")) {
    const open = `<text x="${x(size)}" y="${height - bottom + 18}" ${font} font-size="11" text-anchor="middle" fill="#495057">`;
    parts.push(`${open}${label(size)}</text>`);
  }
  /** Labels are at the line's last point, pushed apart where lines end close together. */
  const ends = names.map((name, index) => {
    const points = rows.filter((row) => row.medians[name] !== undefined);
    const last = points[points.length - 1];
    return { name, index, points, at: y(last?.medians[name] ?? 1), lastX: x(last?.bytes ?? 1) };
  });
  let lowest = Number.NEGATIVE_INFINITY;
  for (const end of [...ends].sort((a, b) => a.at - b.at)) {
    end.at = Math.max(end.at, lowest + 15);
    lowest = end.at;
  }
  for (const { name, index, points, at } of ends) {
    const color = palette[index % palette.length];
    const line = points.map((row) => `${x(row.bytes ?? 1).toFixed(1)},${y(row.medians[name] ?? 1).toFixed(1)}`).join(" ");
    parts.push(`<polyline points="${line}" fill="none" stroke="${color}" stroke-width="${index === 0 ? 3.5 : 1.8}"/>`);
    const weight = index === 0 ? ' font-weight="700"' : "";
    parts.push(
      `<text x="${width - right + 12}" y="${at + 4}" ${font} font-size="12"${weight} fill="${color}">${escapeText(name)}</text>`,
    );
  }
  return svg(width, height, title, parts.join("\n"));
}

/**
 * Bars of ratios: how many times our time each peer needs, logarithmic, a line at 1.
 * @param {string} title
 * @param {string} subtitle
 * @param {Row[]} rows
 */
export function plotRatios(title, subtitle, rows) {
  const groups = rows.map(({ title: work, ratios: { ours: _ours, ...peers } }) => {
    return { work, bars: Object.entries(peers).map(([name, ratio]) => ({ name, ratio })) };
  });
  const ratios = groups.flatMap(({ bars }) => bars.map(({ ratio }) => ratio));
  const [width, left, step, gap, top] = [760, 250, 20, 8, 74];
  const height = top + (ratios.length + groups.length) * step + groups.length * gap + 34;
  const [smallest, largest] = [Math.min(0.5, ...ratios), Math.max(2, ...ratios)];
  const scale = (width - left - 70) / (Math.log2(largest) - Math.log2(smallest));
  const x = (/** @type {number} */ ratio) => left + (Math.log2(ratio) - Math.log2(smallest)) * scale;
  const parts = [`<text x="24" y="52" ${font} font-size="12" fill="#495057">${escapeText(subtitle)}</text>`];
  let at = top;
  for (const { work, bars } of groups) {
    parts.push(`<text x="24" y="${at + 13}" ${font} font-size="12" font-weight="600" fill="#212529">${escapeText(work)}</text>`);
    at += step;
    for (const { name, ratio } of bars) {
      const [from, to] = [Math.min(x(1), x(ratio)), Math.max(x(1), x(ratio))];
      const length = Math.max(1, to - from).toFixed(1);
      const color = ratio >= 1 ? palette[2] : palette[0];
      const number = `${ratio.toFixed(ratio < 10 ? 2 : 0)}x`;
      parts.push(
        `<text x="${left - 8}" y="${at + 13}" ${font} font-size="12" text-anchor="end" fill="#495057">${escapeText(name)}</text>`,
        `<rect x="${from.toFixed(1)}" y="${at + 3}" width="${length}" height="${step - 6}" fill="${color}"/>`,
        `<text x="${(to + 6).toFixed(1)}" y="${at + 13}" ${font} font-size="11" fill="#212529">${number}</text>`,
      );
      at += step;
    }
    at += gap;
  }
  parts.push(`<line x1="${x(1)}" x2="${x(1)}" y1="${top - 6}" y2="${at + 6}" stroke="#212529"/>`);
  parts.push(
    `<text x="${x(1)}" y="${at + 22}" ${font} font-size="11" text-anchor="middle" fill="#212529">as fast as ours</text>`,
  );
  return svg(width, height, title, parts.join("\n"));
}
