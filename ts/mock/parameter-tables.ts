/** Tables behind the terminal parameters: schemes with their AIDs, currencies (ISO 4217), countries (ISO 3166), texts. Public. */

export interface Scheme {
  name: string;
  rid: string;
  /** AID and label; each begins with the RID. */
  aids: readonly (readonly [string, string])[];
  /** EMV contactless kernel. */
  kernel: string;
  applicationVersion: string;
  /** Terminal action codes: default, denial, online. */
  tac: readonly [string, string, string];
  /** Key index and modulus bytes. */
  keyIndexes: readonly (readonly [string, number])[];
  leadingDigits: readonly string[];
  panLength: number;
}

export const SCHEMES: readonly Scheme[] = [
  {
    name: "visa",
    rid: "A000000003",
    aids: [
      ["A0000000031010", "Visa Credit or Debit"],
      ["A0000000032010", "Visa Electron"],
      ["A0000000032020", "V PAY"],
    ],
    kernel: "C3",
    applicationVersion: "008C",
    tac: ["DC4000A800", "0010000000", "DC4004F800"],
    keyIndexes: [
      ["92", 176],
      ["94", 248],
      ["99", 128],
    ],
    leadingDigits: ["4"],
    panLength: 16,
  },
  {
    name: "mastercard",
    rid: "A000000004",
    aids: [
      ["A0000000041010", "Mastercard"],
      ["A0000000043060", "Maestro"],
      ["A0000000042203", "Mastercard US Debit"],
    ],
    kernel: "C2",
    applicationVersion: "0002",
    tac: ["FC50BCA000", "0000000000", "FC50BCF800"],
    keyIndexes: [
      ["EF", 248],
      ["F1", 176],
      ["FA", 144],
    ],
    leadingDigits: ["51", "52", "53", "54", "55", "2221", "2720", "6759"],
    panLength: 16,
  },
  {
    name: "amex",
    rid: "A000000025",
    aids: [["A00000002501", "American Express"]],
    kernel: "C4",
    applicationVersion: "0001",
    tac: ["DC50FC9800", "0010000000", "DE00FC9800"],
    keyIndexes: [
      ["C1", 248],
      ["C8", 144],
      ["C9", 176],
    ],
    leadingDigits: ["34", "37"],
    panLength: 15,
  },
  {
    name: "discover",
    rid: "A000000152",
    aids: [["A0000001523010", "Discover"]],
    kernel: "C6",
    applicationVersion: "0001",
    tac: ["DC00002000", "0010000000", "FCE09CF800"],
    keyIndexes: [
      ["5A", 144],
      ["5B", 176],
      ["5C", 248],
    ],
    leadingDigits: ["6011", "644", "65"],
    panLength: 16,
  },
  {
    name: "jcb",
    rid: "A000000065",
    aids: [["A0000000651010", "JCB"]],
    kernel: "C5",
    applicationVersion: "0200",
    tac: ["FC6024A800", "0010000000", "FC60ACF800"],
    keyIndexes: [
      ["10", 144],
      ["12", 176],
      ["14", 248],
    ],
    leadingDigits: ["3528", "3569", "3589"],
    panLength: 16,
  },
];

/** Code, numeric code, exponent, name. */
export const CURRENCIES: readonly (readonly [string, string, number, string])[] = [
  ["EUR", "978", 2, "Euro"],
  ["USD", "840", 2, "US Dollar"],
  ["GBP", "826", 2, "Pound Sterling"],
  ["CHF", "756", 2, "Swiss Franc"],
  ["SEK", "752", 2, "Swedish Krona"],
  ["NOK", "578", 2, "Norwegian Krone"],
  ["DKK", "208", 2, "Danish Krone"],
  ["PLN", "985", 2, "Zloty"],
  ["CZK", "203", 2, "Czech Koruna"],
  ["HUF", "348", 2, "Forint"],
  ["RON", "946", 2, "Romanian Leu"],
  ["JPY", "392", 0, "Yen"],
];

/** Alpha-2 code, numeric code, currency. */
export const COUNTRIES: readonly (readonly [string, string, string])[] = [
  ["AT", "040", "EUR"],
  ["BE", "056", "EUR"],
  ["CH", "756", "CHF"],
  ["CZ", "203", "CZK"],
  ["DE", "276", "EUR"],
  ["DK", "208", "DKK"],
  ["ES", "724", "EUR"],
  ["FI", "246", "EUR"],
  ["FR", "250", "EUR"],
  ["GB", "826", "GBP"],
  ["HU", "348", "HUF"],
  ["IE", "372", "EUR"],
  ["IT", "380", "EUR"],
  ["JP", "392", "JPY"],
  ["LU", "442", "EUR"],
  ["NL", "528", "EUR"],
  ["NO", "578", "NOK"],
  ["PL", "616", "PLN"],
  ["PT", "620", "EUR"],
  ["RO", "642", "RON"],
  ["SE", "752", "SEK"],
  ["US", "840", "USD"],
];

/** English, Dutch, German. */
export const RESPONSE_TEXTS: Readonly<Record<string, readonly [string, string, string]>> = {
  "00": ["Approved", "Akkoord", "Genehmigt"],
  "05": ["Declined", "Geweigerd", "Abgelehnt"],
  "14": ["Invalid card number", "Ongeldig kaartnummer", "Ungültige Kartennummer"],
  "41": ["Card reported lost", "Kaart als verloren gemeld", "Karte als verloren gemeldet"],
  "43": ["Card reported stolen", "Kaart als gestolen gemeld", "Karte als gestohlen gemeldet"],
  "51": ["Insufficient funds", "Onvoldoende saldo", "Deckung nicht ausreichend"],
  "54": ["Expired card", "Kaart verlopen", "Karte abgelaufen"],
  "55": ["Incorrect PIN", "Pincode onjuist", "PIN falsch"],
  "57": ["Not permitted", "Niet toegestaan", "Nicht zulässig"],
  "61": ["Limit exceeded", "Limiet overschreden", "Limit überschritten"],
  "65": ["Insert card", "Voer kaart in", "Karte einstecken"],
  "75": ["PIN tries exceeded", "Te vaak onjuiste pincode", "PIN zu oft falsch"],
  "91": ["Issuer unavailable", "Uitgever niet bereikbaar", "Kartenherausgeber nicht erreichbar"],
  "96": ["System error", "Systeemfout", "Systemfehler"],
};

/** English, Dutch, German. */
export const RECEIPT_TEXTS: Readonly<Record<string, readonly [string, string, string]>> = {
  merchant_copy: ["MERCHANT COPY", "KOPIE WINKELIER", "HÄNDLERBELEG"],
  cardholder_copy: ["CARDHOLDER COPY", "KOPIE KAARTHOUDER", "KUNDENBELEG"],
  sale: ["SALE", "BETALING", "ZAHLUNG"],
  refund: ["REFUND", "RETOUR", "GUTSCHRIFT"],
  cancelled: ["CANCELLED", "GEANNULEERD", "STORNIERT"],
  total: ["TOTAL", "TOTAAL", "GESAMT"],
  tip: ["TIP", "FOOI", "TRINKGELD"],
  approved: ["APPROVED", "AKKOORD", "GENEHMIGT"],
  declined: ["DECLINED", "GEWEIGERD", "ABGELEHNT"],
  pin_verified: ["PIN VERIFIED", "PINCODE AKKOORD", "PIN GEPRÜFT"],
  signature: ["PLEASE SIGN BELOW", "HANDTEKENING", "UNTERSCHRIFT"],
  keep_receipt: ["PLEASE KEEP THIS RECEIPT", "BEWAAR DEZE BON", "BITTE BELEG AUFBEWAHREN"],
};
