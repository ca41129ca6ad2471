/** The portal's style sheet: one column, wider screens two; light and dark as the reader's system has it. */
export const STYLE = `:root {
  --ground: #f7f8fa; --card: #fff; --ink: #16202b; --soft: #566372; --line: #d5dbe2;
  --accent: #0b5fae; --good: #11683b; --bad: #a8201a; --warn: #7d5200; --mark: #e8f1fa;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10161d; --card: #18212b; --ink: #e8edf2; --soft: #9fb0c0; --line: #33414f;
    --accent: #7cbcf5; --good: #6fd39b; --bad: #ff9d96; --warn: #f0c36a; --mark: #1e2d3c;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
header, main { max-width: 76rem; margin: 0 auto; padding: 1rem 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; justify-content: space-between; padding-bottom: 0; }
h1 { font-size: 1.4rem; margin: 0; }
h1 small { color: var(--soft); font-weight: 400; font-size: .9rem; margin-left: .5rem; }
h2 { font-size: 1.05rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 0; }
#connection { margin: 0; color: var(--soft); font-size: .9rem; }
#connection.live { color: var(--good); }
#connection.lost { color: var(--bad); font-weight: 600; }
main { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 56rem) {
  main { grid-template-columns: minmax(18rem, 1fr) minmax(0, 2fr); grid-template-rows: auto 1fr; }
  .requests { grid-column: 2; grid-row: 1 / span 2; }
}
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0; align-self: start; }
.field { display: flex; flex-direction: column; gap: .2rem; margin-bottom: .75rem; }
.field[hidden] { display: none; }
.field.inline { flex-direction: row; align-items: center; gap: .4rem; margin: 0; font-size: .9rem; }
label { font-weight: 600; font-size: .9rem; }
.inline label { font-weight: 400; }
input, select, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--soft); border-radius: .35rem; padding: .35rem .6rem; }
#code { font: 1.5rem/1.3 ui-monospace, monospace; letter-spacing: .2em; text-transform: uppercase; }
button { background: var(--accent); border-color: var(--accent); color: var(--card); font-weight: 600; padding: .5rem 1rem; cursor: pointer; }
button[disabled] { opacity: .6; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.hint { color: var(--soft); font-size: .85rem; margin: 0; }
#pair-result { min-height: 1.5em; margin: .5rem 0 0; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.device { border-top: 1px solid var(--line); padding: .75rem 0; }
.device:first-child { border-top: 0; padding-top: 0; }
.stages { display: flex; gap: .35rem; list-style: none; padding: 0; margin: .5rem 0; flex-wrap: wrap; }
.stages li { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .6rem; font-size: .82rem; color: var(--soft); }
.stages li.done { background: var(--mark); border-color: var(--accent); color: var(--ink); }
.stages li.done::before { content: "\\2713 "; }
.stages li[aria-current] { font-weight: 700; }
.kcv { border-collapse: collapse; font-size: .82rem; width: 100%; margin-top: .35rem; }
.kcv caption { text-align: left; color: var(--soft); }
.kcv th, .kcv td { text-align: left; padding: .1rem .5rem .1rem 0; }
code, .kcv td, pre { font-family: ui-monospace, monospace; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: baseline; margin-bottom: .75rem; }
.bar h2 { margin: 0; }
.lifelines { display: grid; grid-template-columns: 16% 44% 1fr; font-weight: 600; font-size: .9rem; padding-right: 1rem; }
.lifelines span:nth-child(2) { text-align: right; padding-right: .5rem; }
.lifelines span:nth-child(3) { text-align: right; }
#requests { list-style: none; margin: 0; padding: .5rem 1rem .5rem 0; max-height: 75vh; overflow-y: auto; scroll-behavior: auto; }
#requests > li { position: relative; padding: .35rem 0 .6rem; --from: 4%; --to: 38%;
  background: linear-gradient(var(--line), var(--line)) 4% 0 / 1px 100% no-repeat,
    linear-gradient(var(--line), var(--line)) 60% 0 / 1px 100% no-repeat, linear-gradient(var(--line), var(--line)) 97% 0 / 1px 100% no-repeat; }
.arrow { margin-left: 4%; width: 56%; position: relative; font-size: .85rem; padding: 0 1.2rem .1rem .6rem; border-bottom: 2px solid currentColor; overflow-wrap: anywhere; }
.arrow.answer { border-bottom-style: dashed; padding: .2rem .6rem .1rem 1.2rem; }
.arrow::after { content: ""; position: absolute; bottom: -6px; border: 5px solid transparent; }
.arrow.request::after { right: -2px; border-left: 9px solid currentColor; border-right: 0; }
.arrow.answer::after { left: -2px; border-right: 9px solid currentColor; border-left: 0; }
.arrow.cut { border-bottom-style: dotted; }
.arrow.cut::after { content: "\\2715"; border: 0; left: 45%; bottom: -.8em; font-weight: 700; }
.merchant .arrow { margin-left: 60%; width: 37%; }
.merchant .arrow.request::after { left: -2px; right: auto; border-left: 0; border-right: 9px solid currentColor; }
.merchant .arrow.answer::after { right: -2px; left: auto; border-right: 0; border-left: 9px solid currentColor; }
.arrow time { color: var(--soft); font-size: .78rem; margin-left: .5rem; }
details { margin: .3rem 0 0 calc(4% + .6rem); font-size: .85rem; background: var(--card); }
details:not([open]) { width: fit-content; }
summary { cursor: pointer; color: var(--accent); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: .4rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: .2rem 0 .6rem; padding: .5rem .7rem; background: var(--mark); border-radius: .35rem; overflow-x: auto; font-size: .8rem; max-height: 22rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .3rem .6rem; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
