/**
 * The portal's script: one function, sent to browsers as its own source text, so that the compiler checks it like the rest. It must
 * therefore use nothing from outside itself but the browser's globals.
 *
 * It asks for the state over and over, shows the devices, and appends the requests as a sequence diagram. Text goes into the page as
 * text only. A token behind `#` in the address is taken out of it and kept in memory.
 */
import type { Refusal } from "../observe/refusal.js";
import type { JournalledRequest } from "../observe/journal.js";
import type { PortalDevice, PortalState } from "./state.js";

export function portalScript(): string {
  return `"use strict";(${portal})();\n`;
}

function portal(): void {
  const POLL_MS = 400;
  const IDLE_POLL_MS = 3000;
  const ROWS_KEPT = 300;
  const ROLES = ["tmk", "kek", "msk", "tpk", "tdk", "mac"] as const;
  const STAGES = ["inactive", "claimed", "keyed", "activated"] as const;

  const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
  const make = (name: string, className = "", text = ""): HTMLElement => {
    const element = document.createElement(name);
    if (className !== "") element.className = className;
    if (text !== "") element.textContent = text;
    return element;
  };

  const list = find<HTMLOListElement>("requests");
  const filter = find<HTMLSelectElement>("filter");
  const merchant = find<HTMLSelectElement>("merchant");
  const hidePolls = find<HTMLInputElement>("polls");
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname);
  const headers: Record<string, string> = token === null ? {} : { Authorization: `Portal ${token}` };

  const tokens = new Map<string, string>();
  const stages = new Map<string, string>();
  let instance = "";
  let last = 0;
  let shownDevices = "";

  function stageOf(device: PortalDevice): (typeof STAGES)[number] {
    return device.status === "claimed" && device.key_sets.length > 0 ? "keyed" : device.status;
  }

  function deviceCard(device: PortalDevice): HTMLElement {
    const card = make("article", "device");
    card.dataset["device"] = device.device_id;
    card.append(make("h3", "", device.device_id), make("p", "hint", `${device.terminal_id} of merchant ${device.merchant_id}`));
    const reached = STAGES.indexOf(stageOf(device));
    const progress = make("ol", "stages");
    progress.setAttribute("aria-label", `Stage of ${device.device_id}`);
    STAGES.forEach((stage, index) => {
      const item = make("li", index <= reached && index > 0 ? "done" : "", stage);
      if (index === reached) item.setAttribute("aria-current", "step");
      progress.append(item);
    });
    card.append(progress);
    if (device.status === "inactive") card.append(make("p", "hint", `pairing code: ${device.pairing_code_status}`));
    for (const keySet of device.key_sets) card.append(kcvTable(keySet));
    return card;
  }

  function kcvTable({ key_set_id, expires_at, kcv }: PortalDevice["key_sets"][number]): HTMLElement {
    const table = make("table", "kcv");
    table.append(make("caption", "", `check values of ${key_set_id}, valid to ${expires_at.slice(0, 10)}`));
    const [names, values] = [make("tr"), make("tr")];
    for (const role of ROLES) {
      const name = make("th", "", role.toUpperCase());
      name.setAttribute("scope", "col");
      names.append(name);
      values.append(make("td", "", kcv[role]));
    }
    table.append(names, values);
    return table;
  }

  function showDevices(devices: readonly PortalDevice[], count: number): void {
    const text = JSON.stringify(devices);
    if (text === shownDevices) return;
    shownDevices = text;
    const more = count > devices.length ? [make("p", "hint", `and ${count - devices.length} more`)] : [];
    find("devices").replaceChildren(...devices.map(deviceCard), ...more);
    for (const device of devices) {
      const stage = stageOf(device);
      const before = stages.get(device.device_id);
      if (before !== undefined && before !== stage) find("changes").textContent = `${device.device_id} is ${stage}`;
      if (before === undefined) filter.append(new Option(device.device_id, device.device_id));
      stages.set(device.device_id, stage);
    }
  }

  function payload(title: string, value: unknown): HTMLElement[] {
    return value === undefined ? [] : [make("strong", "", title), make("pre", "", JSON.stringify(value, null, 2))];
  }

  function facts(event: JournalledRequest): HTMLElement {
    const box = make("dl");
    const rows: [string, string | undefined][] = [
      ["device", event.deviceId],
      ["terminal", event.terminalId],
      ["MSK check value", event.keyKcv],
      ["key set", event.keySetId],
      ["size", `${event.requestBytes} B sent, ${event.responseBytes} B answered`],
      ["trace", event.traceId],
    ];
    for (const [name, value] of rows) if (value !== undefined) box.append(make("dt", "", name), make("dd", "", value));
    return box;
  }

  function listOf(className: string, texts: readonly string[]): HTMLElement {
    const box = make("ul", className);
    box.append(...texts.map((text) => make("li", "", text)));
    return box;
  }

  function refusalOf({ header, sent, known, clockDifferenceSeconds, signedText, nearMisses }: Refusal): HTMLElement {
    const section = make("section", "refusal");
    const box = make("dl");
    const rows: [string, string | undefined][] = [
      ["header", header],
      ["sent", sent],
      ["accepted", known?.join(", ")],
      ["clock difference", clockDifferenceSeconds === undefined ? undefined : `${clockDifferenceSeconds} s`],
    ];
    for (const [name, value] of rows) if (value !== undefined) box.append(make("dt", "", name), make("dd", "", value));
    section.append(box);
    if (nearMisses !== undefined) section.append(make("strong", "", "What would be right"), listOf("", nearMisses));
    if (signedText !== undefined) section.append(make("strong", "", "The text that was verified"), make("pre", "", signedText));
    return section;
  }

  function row(event: JournalledRequest): HTMLElement {
    const item = make("li", event.endpoint === "claim" ? "merchant" : "");
    item.dataset["device"] = event.deviceId ?? "";
    item.dataset["endpoint"] = event.endpoint ?? "";
    const request = make("div", "arrow request", `${event.method} ${event.path}`);
    const time = make("time", "", new Date(event.time).toISOString().slice(11, 23));
    time.setAttribute("datetime", new Date(event.time).toISOString());
    request.append(time);
    const cut = event.status === 0;
    const verdict = cut ? "connection cut" : String(event.status);
    const status = (event.response as { status?: unknown } | undefined)?.status;
    const meaning = typeof status === "string" && !cut ? ` ${status}` : "";
    const tone = event.status >= 200 && event.status < 400 ? "good" : "bad";
    const answer = make(
      "div",
      `arrow answer ${tone}${cut ? " cut" : ""}`,
      `${verdict}${meaning}, ${event.durationMs.toFixed(0)} ms`,
    );
    if (event.faults !== undefined) answer.append(make("strong", "warn", ` fault: ${event.faults.join(", ")}`));
    const details = make("details");
    const contents = `payloads${event.keyKcv === undefined ? "" : `, under MSK ${event.keyKcv}`}`;
    details.append(make("summary", "", event.refusal === undefined ? contents : `refused: ${event.refusal.reason}`));
    if (event.refusal !== undefined) details.append(refusalOf(event.refusal));
    if (event.notes !== undefined) details.append(listOf("warn", event.notes));
    details.append(facts(event));
    details.append(...payload("Request, opened", event.request), ...payload("Answer, before sealing", event.response));
    item.append(request, answer, details);
    return item;
  }

  function applyFilter(item: HTMLElement): void {
    const other = filter.value !== "" && item.dataset["device"] !== filter.value;
    item.hidden = other || (hidePolls.checked && item.dataset["endpoint"] === "status");
  }

  function showEvents(events: readonly JournalledRequest[]): void {
    for (const event of events) {
      const item = row(event);
      applyFilter(item);
      list.append(item);
      last = event.number;
    }
    while (list.childElementCount > ROWS_KEPT) list.firstElementChild?.remove();
    find("empty").hidden = list.childElementCount > 0;
    if (events.length > 0 && find<HTMLInputElement>("follow").checked) list.scrollTop = list.scrollHeight;
  }

  function connection(text: string, state: "live" | "lost"): void {
    const line = find("connection");
    if (line.textContent === text) return;
    line.textContent = text;
    line.className = state;
  }

  async function errorOf(response: Response): Promise<string> {
    const body = (await response.json().catch(() => ({}))) as { error?: { message?: string } };
    return body.error?.message ?? `HTTP ${response.status}`;
  }

  async function refresh(): Promise<void> {
    const response = await fetch(`portal/state?after=${last}&instance=${instance}`, { headers, cache: "no-store" });
    if (!response.ok) {
      connection(await errorOf(response), "lost");
      return;
    }
    const state = (await response.json()) as PortalState;
    // Another process answers: its numbers begin anew.
    if (state.instance !== instance) {
      instance = state.instance;
      last = 0;
      list.replaceChildren();
    }
    connection("live", "live");
    showDevices(state.devices, state.device_count);
    showEvents(state.events);
  }

  async function loop(): Promise<void> {
    await refresh().catch(() => connection("the mock does not answer", "lost"));
    setTimeout(loop, document.hidden ? IDLE_POLL_MS : POLL_MS);
  }

  async function loadMerchants(): Promise<void> {
    const response = await fetch("portal/merchants", { headers, cache: "no-store" });
    if (!response.ok) return;
    const { merchants } = (await response.json()) as { merchants: { merchant_id: string; token?: string }[] };
    for (const { merchant_id, token: bearer } of merchants) {
      merchant.append(new Option(merchant_id, merchant_id));
      if (bearer !== undefined) tokens.set(merchant_id, bearer);
    }
    find("merchant-field").hidden = tokens.size < 2;
    find("token-field").hidden = tokens.size > 0;
  }

  async function claim(code: string): Promise<void> {
    const bearer = tokens.get(merchant.value) ?? find<HTMLInputElement>("bearer").value.trim();
    const response = await fetch("pos/claim", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${bearer}` },
      body: JSON.stringify({ pairing_code: code }),
    });
    if (!response.ok) throw new Error(await errorOf(response));
    const { device_id } = (await response.json()) as { device_id: string };
    find("pair-result").textContent = `${device_id} is claimed.`;
    find("pair-result").className = "good";
    find<HTMLInputElement>("code").value = "";
  }

  find<HTMLFormElement>("pair").addEventListener("submit", (submit) => {
    submit.preventDefault();
    const button = (submit.target as HTMLFormElement).querySelector("button");
    const code = find<HTMLInputElement>("code").value.trim().toUpperCase();
    const result = find("pair-result");
    result.textContent = "";
    if (button !== null) button.disabled = true;
    claim(code)
      .catch((error: unknown) => {
        result.textContent = `Not claimed: ${error instanceof Error ? error.message : "the mock does not answer"}`;
        result.className = "bad";
      })
      .then(() => {
        if (button !== null) button.disabled = false;
        find("code").focus();
      });
  });
  for (const control of [filter, hidePolls]) {
    control.addEventListener("change", () => {
      for (const item of list.children) applyFilter(item as HTMLElement);
    });
  }
  void loadMerchants();
  void loop();
}
