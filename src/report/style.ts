/** Style sheet of the report pages, light and dark, also for print. */
export const style = `
:root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--ink:#14181d;--soft:#5b6570;--line:#dfe3e8;--accent:#0072b2;--warn:#b45309;--bad:#b42318}
@media (prefers-color-scheme:dark){:root{--bg:#101317;--card:#191e24;--ink:#e8ecf1;--soft:#9aa5b1;--line:#2b323b;--accent:#56b4e9;--warn:#e69f00;--bad:#ff8a7a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:26px;margin:0 0 2px;letter-spacing:-.01em;overflow-wrap:anywhere}h2{font-size:17px;margin:34px 0 10px}
.sub{color:var(--soft);margin:0 0 18px;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
.card,.panel{background:var(--card);border:1px solid var(--line);border-radius:12px}
.card{padding:14px 16px}.card b{display:block;font-size:24px;font-weight:650;letter-spacing:-.02em}.card span{color:var(--soft);font-size:13px}
.panel{padding:16px}.two{display:grid;grid-template-columns:1fr 1fr;gap:14px;align-items:start}.charts{display:grid;grid-template-columns:1fr 1fr;gap:14px 22px}@media(max-width:860px){.two{grid-template-columns:1fr}}
.note{border-left:4px solid var(--warn);background:var(--card);padding:10px 14px;border-radius:6px;margin:12px 0}
svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:11px}.grid{stroke:var(--line)}.axis{stroke:var(--soft)}
.band{fill:var(--accent);fill-opacity:.18}.line{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round}
svg.strip{height:14px;border-radius:4px;background:var(--line)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:middle}
th{color:var(--soft);font-weight:600;font-size:12.5px;white-space:nowrap}td.n,th.n{text-align:right}td.n,th.n,td.one{white-space:nowrap}
tr:last-child td{border-bottom:0}.scroll{overflow-x:auto}th[data-key]{cursor:pointer}
.dot{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:8px}
.pill{padding:1px 9px;border-radius:99px;font-size:12.5px;border:1px solid var(--line)}.yes{color:#0a7a55}.no{color:var(--bad)}
@media (prefers-color-scheme:dark){.yes{color:#3ecf9a}}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:12px}
.pair{grid-template-columns:repeat(auto-fill,minmax(420px,1fr))}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden}
figure img{width:100%;height:auto;display:block;cursor:zoom-in}figcaption{padding:8px 12px;font-size:13px;color:var(--soft)}figcaption b{color:var(--ink)}
figure.moment{border-color:var(--warn)}
.bar{display:flex;gap:10px;flex-wrap:wrap;margin-bottom:10px}
input,select,button{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:5px 10px}
button{cursor:pointer}dialog{border:0;border-radius:12px;padding:0;background:var(--card);color:var(--ink);max-width:96vw}dialog img{display:block;max-width:96vw;max-height:86vh;min-width:min(80vw,960px)}
dialog::backdrop{background:rgb(0 0 0/.7)}dialog p{margin:0;padding:10px 14px}
footer{margin-top:40px;color:var(--soft);font-size:13px}code{font-size:13px;overflow-wrap:anywhere}
@media print{body{background:#fff}figure,.panel,.card{break-inside:avoid}.bar{display:none}}
`;
