import ts from "typescript"; import fs from "node:fs";
const rooms=process.argv.slice(2);
const cfg=ts.getParsedCommandLineOfConfigFile("tsconfig.json",{},{...ts.sys,onUnRecoverableConfigFileDiagnostic(){}});
const program=ts.createProgram(cfg.fileNames,cfg.options); const ch=program.getTypeChecker();
let out="";
for(const r of rooms){ const sf=program.getSourceFile(process.cwd()+`/src/${r}/index.ts`); const m=ch.getSymbolAtLocation(sf); const ex=ch.getExportsOfModule(m).map(s=>{const t=s.flags&ts.SymbolFlags.Alias?ch.getAliasedSymbol(s):s; return {n:s.name, v:!!(t.flags&ts.SymbolFlags.Value)}}).sort((a,b)=>a.n.toLowerCase()<b.n.toLowerCase()?-1:1);
 out+=`export {\n${ex.map(e=>`  ${e.v?"":"type "}${e.n},\n`).join("")}} from "./${r}/index.js";\n`; }
console.log(out);
