"""``theo``: every component, in a plain modern look, light and dark."""

from __future__ import annotations

from theo_mcp.engine.genui.components import COMPONENTS
from theo_mcp.engine.genui.libraries import Library

_STYLE = """
:root{color-scheme:light dark;--ground:#f6f7f9;--paper:#fff;--ink:#1b1f27;--quiet:#5a6372;--line:#d9dee6;
--accent:#2f5bd7;--on-accent:#fff;--info:#2f5bd7;--success:#1b7f4b;--warning:#8a5a00;--error:#b3261e;--second:#c2571a}
@media (prefers-color-scheme:dark){:root{--ground:#13161c;--paper:#1c212a;--ink:#e8ebf0;--quiet:#a3adbb;--line:#343c49;
--accent:#8fb0ff;--on-accent:#10131a;--info:#8fb0ff;--success:#6fd3a0;--warning:#f2c063;--error:#ff9d94;--second:#f0a36b}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:64rem;margin:0 auto;padding:2.5rem 1.25rem 4rem;display:grid;gap:1.5rem}
h1,h2,h3,h4,h5,h6{line-height:1.2;margin:0;overflow-wrap:anywhere}h1{font-size:2rem}h2{font-size:1.35rem}h3{font-size:1.1rem}
h4,h5,h6{font-size:1rem}p,ul,ol,dl{margin:0}p{max-width:70ch;overflow-wrap:anywhere}
section,form,.stack{display:grid;gap:1rem;min-width:0}.row{display:flex;flex-wrap:wrap;align-items:flex-start;gap:1rem}
.grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,14rem),1fr))}
.card,form,.stat,figure,details{background:var(--paper);border:1px solid var(--line);border-radius:.75rem;
padding:1.25rem}.card{display:grid;gap:.75rem;align-content:start;min-width:0}.card form{border:0;padding:0}
form{max-width:36rem}
.field{display:grid;gap:.35rem}.check{display:flex;gap:.6rem;align-items:center}label{font-weight:600}
input:not([type=checkbox]),select,textarea{width:100%;font:inherit;color:inherit;background:var(--ground);
border:1px solid var(--quiet);border-radius:.5rem;padding:.55rem .7rem}textarea{min-height:7rem;resize:vertical}
button{font:inherit;font-weight:600;border-radius:.5rem;padding:.6rem 1.1rem;border:1px solid var(--accent);
background:var(--accent);color:var(--on-accent);justify-self:start;cursor:pointer}
button.secondary{background:transparent;color:var(--accent)}a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.scroll{overflow-x:auto;background:var(--paper);border:1px solid var(--line);border-radius:.75rem}
table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.9rem 1rem .4rem}
th,td{text-align:left;padding:.6rem 1rem;border-top:1px solid var(--line);vertical-align:top}thead th{border-top:0;
color:var(--quiet);font-size:.875rem}td.number{font-variant-numeric:tabular-nums}
.stat dt{color:var(--quiet);font-size:.9rem}.stat dd{margin:0;font-size:1.75rem;font-weight:700;overflow-wrap:anywhere}
.stat dd.change{font-size:.9rem;font-weight:400;color:var(--quiet)}
.alert{background:var(--paper);border:1px solid var(--line);border-left:.35rem solid var(--tone);border-radius:.5rem;
padding:.8rem 1rem}.badge{display:inline-block;justify-self:start;border:1px solid var(--tone);color:var(--tone);
border-radius:1rem;padding:.1rem .7rem;font-size:.85rem;font-weight:600}
.info{--tone:var(--info)}.success{--tone:var(--success)}.warning{--tone:var(--warning)}.error{--tone:var(--error)}
figure{margin:0}figcaption{font-weight:600;margin-bottom:.75rem}img{max-width:100%;height:auto;border-radius:.5rem}
.missing{display:grid;place-items:center;min-height:10rem;border-style:dashed;color:var(--quiet);text-align:center}
svg{width:100%;height:auto;display:block}svg text{fill:var(--quiet);font:14px system-ui,sans-serif}
svg .axis{stroke:var(--line)}.c0{--c:var(--accent)}.c1{--c:var(--second)}.c2{--c:var(--success)}.c3{--c:var(--error)}
.c4{--c:var(--warning)}.c5{--c:var(--quiet)}svg rect,svg circle,.key i{fill:var(--c);background:var(--c)}
svg polyline{stroke:var(--c);fill:none;stroke-width:2.5}.key{display:flex;flex-wrap:wrap;gap:1rem;padding:0;
list-style:none}
.key i{display:inline-block;width:.8rem;height:.8rem;border-radius:.2rem;margin-right:.4rem}
figure details{border:0;padding:.75rem 0 0}summary{cursor:pointer;font-weight:600}.tabs{display:grid;gap:.5rem}
.tabs>details>*+*{margin-top:.75rem}progress{width:100%;height:.8rem;accent-color:var(--accent)}
hr{width:100%;border:0;border-top:1px solid var(--line)}
""".replace("\n", "")

LIBRARY = Library(name="theo", components=frozenset(COMPONENTS), style=_STYLE)
