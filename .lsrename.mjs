import ts from "typescript"; import fs from "node:fs";
const [,, mode, spec] = process.argv;
const cfg = ts.getParsedCommandLineOfConfigFile("/tmp/house/tsconfig.all.json", {types:[]}, {...ts.sys, onUnRecoverableConfigFileDiagnostic: d=>console.error(d)});
const files = cfg.fileNames;
const host = { getScriptFileNames:()=>files, getScriptVersion:()=>"1", getScriptSnapshot:f=>fs.existsSync(f)?ts.ScriptSnapshot.fromString(fs.readFileSync(f,"utf8")):undefined, getCurrentDirectory:()=>"/work/house", getCompilationSettings:()=>cfg.options, getDefaultLibFileName:o=>ts.getDefaultLibFilePath(o), fileExists:ts.sys.fileExists, readFile:ts.sys.readFile, readDirectory:ts.sys.readDirectory, directoryExists: ts.sys.directoryExists, getDirectories: ts.sys.getDirectories };
const ls = ts.createLanguageService(host); const program = ls.getProgram(); const checker = program.getTypeChecker();
const { rename, skip } = await import(spec);
const seen = new Map(); const edits = new Map(); const conflicts=[]; const done=[];
for (const f of files) {
  const sf = program.getSourceFile(f); if (!sf || f.includes("node_modules")) continue;
  const visit = node => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      const name = node.text; const bare = name.replace(/^#/,"");
      const to = rename(bare, f.replace("/work/house/",""));
      if (to && to!==bare) {
        let sym = checker.getSymbolAtLocation(node);
        const decl = sym?.declarations?.find(d => d.name === node || d.name?.text===name && d.name===node);
        if (sym && decl && !seen.has(decl)) {
          seen.set(decl,1);
          if (!skip || !skip(bare, f.replace("/work/house/",""), ts.SyntaxKind[decl.kind], decl)) {
            const newName = name.startsWith("#") ? "#"+to : to;
            const locs = ls.findRenameLocations(f, node.getStart(), false, false, {providePrefixAndSuffixTextForRename:true});
            if (!locs) { conflicts.push(`${f}: ${name}: cannot`); }
            else {
              const isProp = ts.isPropertySignature(decl)||ts.isPropertyDeclaration(decl)||ts.isMethodDeclaration(decl)||ts.isPropertyAssignment(decl)||ts.isShorthandPropertyAssignment(decl)||ts.isMethodSignature(decl)||ts.isGetAccessor(decl)||ts.isSetAccessor(decl);
              let bad;
              if (!isProp) for (const l of locs) { const s2=program.getSourceFile(l.fileName); const tok=tokenAt(s2,l.textSpan.start); const r=checker.resolveName(newName, tok, ts.SymbolFlags.Value|ts.SymbolFlags.Type, true); if (r && r!==sym && !(r.declarations??[]).some(d=>d.getSourceFile().fileName.includes("node_modules/typescript/lib")) ) { const rn=rename(r.name); if (!(rn && rn!==r.name)) {bad=`${l.fileName}:${s2.getLineAndCharacterOfPosition(l.textSpan.start).line+1}`; break;} } }
              if (bad) conflicts.push(`${f.replace("/work/house/","")}: ${name} -> ${newName} collides at ${bad.replace("/work/house/","")}`);
              else { done.push(`${f.replace("/work/house/","")}: ${ts.SyntaxKind[decl.kind]} ${name} -> ${newName} (${locs.length})`);
                for (const l of locs) { if (l.fileName.includes("node_modules")) continue; const key=`${l.fileName}:${l.textSpan.start}`; const e={f:l.fileName,s:l.textSpan.start,n:l.textSpan.length,t:newName, pre:l.prefixText??"", suf:l.suffixText??""}; const old=edits.get(key); if(!old) edits.set(key,e); else { if(e.pre||e.suf||old.pre||old.suf) { old.pre=""; old.suf=""; } } } }
            }
          }
        }
      }
    }
    ts.forEachChild(node, visit);
  }; visit(sf);
}
function tokenAt(sf,pos){ let n=sf; for(;;){ const c=n.getChildren(sf).find(c=>c.getStart(sf)<=pos && pos<c.end); if(!c) return n; n=c; } }
if (mode==="list") { console.log(done.join("\n")); }
console.log("CONFLICTS\n"+conflicts.join("\n")); console.log("renames",done.length,"edits",edits.size);
if (mode==="apply") {
  const by=new Map(); for (const e of edits.values()) (by.get(e.f)??by.set(e.f,[]).get(e.f)).push(e);
  for (const [f,es] of by) { let s=fs.readFileSync(f,"utf8"); es.sort((a,b)=>b.s-a.s); for (const e of es) s=s.slice(0,e.s)+e.pre+e.t+e.suf+s.slice(e.s+e.n); fs.writeFileSync(f,s); }
}
