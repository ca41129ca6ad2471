/**
 * The merchant portal's page. Static: what it shows comes from `portal/state`, and everything is put in as text.
 *
 * Addresses are relative, so that the page works behind a base path. The content security policy in routes.ts allows its own
 * files and nothing else: no inline script, no inline style.
 */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Merchant portal - viopay-pos mock</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="portal/portal.css">
<script src="portal/portal.js" defer></script>
</head>
<body>
<a class="skip" href="#requests">Skip to the requests</a>
<header>
  <h1>Merchant portal <small>viopay-pos mock</small></h1>
  <p id="connection" role="status">connecting</p>
</header>
<main>
  <section aria-labelledby="pair-title">
    <h2 id="pair-title">Pair a device</h2>
    <form id="pair" autocomplete="off" novalidate>
      <div class="field">
        <label for="code">Pairing code</label>
        <input id="code" name="code" inputmode="text" maxlength="6" size="8" autocapitalize="characters" spellcheck="false"
          autocomplete="off" required aria-describedby="code-hint pair-result">
        <span id="code-hint" class="hint">six characters, as the terminal shows them</span>
      </div>
      <div class="field" id="merchant-field" hidden>
        <label for="merchant">Merchant</label>
        <select id="merchant" name="merchant"></select>
      </div>
      <div class="field" id="token-field" hidden>
        <label for="bearer">Bearer token of your identity provider</label>
        <input id="bearer" name="bearer" type="password" autocomplete="off" spellcheck="false">
      </div>
      <button type="submit">Claim device</button>
      <p id="pair-result" role="status"></p>
    </form>
  </section>
  <section aria-labelledby="devices-title">
    <h2 id="devices-title">Devices</h2>
    <div id="devices"></div>
    <p id="changes" class="visually-hidden" aria-live="polite"></p>
  </section>
  <section aria-labelledby="requests-title" class="requests">
    <div class="bar">
      <h2 id="requests-title">Requests</h2>
      <div class="field inline">
        <label for="filter">Show</label>
        <select id="filter"><option value="">all devices</option></select>
      </div>
      <div class="field inline">
        <input type="checkbox" id="polls" checked>
        <label for="polls">hide status polls</label>
      </div>
      <div class="field inline">
        <input type="checkbox" id="follow" checked>
        <label for="follow">follow</label>
      </div>
    </div>
    <div class="lifelines" aria-hidden="true"><span>Terminal</span><span>Host</span><span>Merchant</span></div>
    <ol id="requests" tabindex="0" aria-labelledby="requests-title"></ol>
    <p id="empty" class="hint">No requests yet.</p>
  </section>
</main>
<noscript><p>This page needs JavaScript.</p></noscript>
</body>
</html>
`;
