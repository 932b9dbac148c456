"""The look of a session's report, light and dark: the colours are those of the window."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --page: #eceff2; --panel: #ffffff; --line: #d3d9df; --grid: #e4e8ec;
  --text: #14191f; --muted: #55606c; --accent: #0b6a75; --fill: #dcf0f1; --band: #d9dfe5; --trace: #3b4653;
  --warn: #8a4f00; --warn-fill: #fff0d6; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1013; --panel: #15191e; --line: #2b323a;
  --grid: #232a31; --text: #e7ebef; --muted: #9aa5b1; --accent: #52d6cc; --fill: #12343a; --band: #2f3740;
  --trace: #b6c0ca; --warn: #f3bb55; --warn-fill: #36290f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 Inter, "Noto Sans", "Segoe UI",
  system-ui, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 1040px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 2px; }
h3 { font-size: 14px; margin: 18px 0 4px; }
p { margin: 4px 0 10px; max-width: 76ch; }
.muted, .explain { color: var(--muted); }
.explain { font-size: 13.5px; }
section, .figure-card { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; }
section { padding: 16px 20px 14px; margin-top: 16px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px;
  margin-top: 18px; }
.figure-card { padding: 12px 16px; }
.figure-card b { display: block; font-size: 25px; font-weight: 600; line-height: 1.25; }
.figure-card.model b { color: var(--accent); }
.figure-card span { font-size: 13px; color: var(--muted); display: block; line-height: 1.4; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); gap: 8px 28px; }
.warn { background: var(--warn-fill); color: var(--warn); border-radius: 6px; padding: 10px 14px 10px 34px;
  margin: 10px 0 4px; }
.good { color: var(--muted); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; margin: 6px 0 4px; }
th { text-align: left; font-weight: 600; color: var(--muted); }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th.n, td.n { text-align: right; }
td.bad { color: var(--warn); font-weight: 600; }
details { margin: 8px 0 2px; } summary { cursor: pointer; color: var(--muted); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12.5px; color: var(--muted); }
.strip { display: flex; gap: 3px; margin: 2px 1.25% 6px 5.4%; }
.strip img { flex: 1; min-width: 0; border-radius: 3px; display: block; }
svg { display: block; width: 100%; height: auto; margin: 4px 0; font-family: inherit; }
svg text { font-size: 11.5px; fill: var(--muted); } svg .note { font-size: 11px; }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; } svg .name { fill: var(--text); }
svg .grid { stroke: var(--grid); } svg .axis { stroke: var(--line); }
svg .line { fill: none; stroke: var(--accent); stroke-width: 1.6; stroke-linejoin: round; }
svg .quiet.line { stroke: var(--trace); } svg .quiet.bar { fill: var(--trace); fill-opacity: .6; }
svg .band { fill: var(--band); } svg .bar { fill: var(--accent); }
svg .rule { stroke: var(--trace); stroke-dasharray: 4 3; }
svg .event { stroke: var(--trace); stroke-opacity: .55; }
svg .feedback { fill: var(--fill); } svg .there { fill: var(--trace); fill-opacity: .55; }
svg .active { fill: var(--accent); } svg .tick { fill: var(--trace); }
footer { color: var(--muted); font-size: 13px; margin-top: 18px; }
@media print { body { background: #fff; } section, .figure-card { break-inside: avoid; } }
"""
