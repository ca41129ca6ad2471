/**
 * Timestamps: RFC 3339 clause 5.6 in UTC, upper case only. Sent with seconds and `Z`; accepted with fractions and `+00:00`, too.
 * Leap seconds are refused: no clock that makes these timestamps has them. Public data.
 */

/** `YYYY-MM-DDThh:mm:ss` */
const SECONDS_FORM = 19;

/** Milliseconds since 1970 of an RFC 3339 timestamp in UTC, or `undefined` for any other text. */
export function parseTimestamp(text: string): number | undefined {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const punctuation = text[4] === "-" && text[7] === "-" && text[10] === "T" && text[13] === ":" && text[16] === ":";
  const inRange =
    month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) && hour <= 23 && minute <= 59 && second <= 59;
  if (!punctuation || !inRange || Math.min(year, hour, minute, second) < 0) return undefined;

  let zone = SECONDS_FORM;
  if (text[zone] === ".") {
    zone++;
    while (digits(text, zone, 1) >= 0) zone++;
    if (zone === SECONDS_FORM + 1) return undefined;
  }
  const utc = text.length === zone + 1 ? text.endsWith("Z") : text.length === zone + 6 && text.endsWith("+00:00");
  if (!utc) return undefined;
  const milliseconds = zone === SECONDS_FORM ? 0 : Math.floor(Number(`0${text.slice(SECONDS_FORM, zone)}`) * 1000);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, milliseconds);
  return date.getTime();
}

/** Whether `text` is a timestamp in the form that is sent: seconds and `Z`. */
export function isSentTimestamp(text: string): boolean {
  return text.length === SECONDS_FORM + 1 && parseTimestamp(text) !== undefined;
}

/** The form that is sent, for `milliseconds` since 1970; the fraction of the second is cut off. */
export function formatTimestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, SECONDS_FORM)}Z`;
}

/** The number written in `count` decimal digits at `at`, or -1. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
