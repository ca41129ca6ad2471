/**
 * Timestamps: RFC 3339 clause 5.6 in UTC, upper case only. Sent with seconds and `Z`; accepted with fractions and `+00:00`, too.
 * Leap seconds are refused: no clock that makes these timestamps has them. Public data.
 */

/** `YYYY-MM-DDThh:mm:ss` */
const SECONDS_FORM = 19;

const DASH = 0x2d;
const COLON = 0x3a;
const LETTER_T = 0x54;

/** Milliseconds since 1970 of an RFC 3339 timestamp in UTC, or `undefined` for any other text. */
export function parseTimestamp(text: string): number | undefined {
  if (!beginsWithTime(text)) return undefined;
  let zone = SECONDS_FORM;
  if (text[zone] === ".") {
    zone++;
    while (isDigit(text.charCodeAt(zone))) zone++;
    if (zone === SECONDS_FORM + 1) return undefined;
  }
  const utc = text.length === zone + 1 ? text.endsWith("Z") : text.length === zone + 6 && text.endsWith("+00:00");
  if (!utc) return undefined;
  const milliseconds = zone === SECONDS_FORM ? 0 : Math.floor(Number(`0${text.slice(SECONDS_FORM, zone)}`) * 1000);
  const date = new Date(0);
  date.setUTCFullYear(100 * twoDigits(text, 0) + twoDigits(text, 2), twoDigits(text, 5) - 1, twoDigits(text, 8));
  date.setUTCHours(twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17), milliseconds);
  return date.getTime();
}

/** Whether `text` is a timestamp in the form that is sent: seconds and `Z`. */
export function isSentTimestamp(text: string): boolean {
  return text.length === SECONDS_FORM + 1 && text.charCodeAt(SECONDS_FORM) === 0x5a && beginsWithTime(text);
}

/** Whether the first characters are a date and a time that exist, as `YYYY-MM-DDThh:mm:ss`. */
function beginsWithTime(text: string): boolean {
  const year = 100 * twoDigits(text, 0) + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const punctuated =
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === LETTER_T &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON;
  if (!punctuated || year < 0 || hour < 0 || minute < 0 || second < 0) return false;
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) && hour <= 23 && minute <= 59 && second <= 59;
}

/** The form that is sent, for `milliseconds` since 1970; the fraction of the second is cut off. */
export function formatTimestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, SECONDS_FORM)}Z`;
}

/** The number written in two decimal digits at `at`, or a number so negative that no other digits make up for it. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? 10 * tens + ones - 11 * 0x30 : -1000;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
