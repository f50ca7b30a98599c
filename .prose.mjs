import ts from "typescript"; import fs from "node:fs"; import {execSync} from "node:child_process";
const files=execSync("git ls-files 'src/*.ts' 'src/*.tsx' 'bench/*.ts' 'test/*.ts' 'test/*.tsx'",{encoding:"utf8"}).trim().split("\n");
const W=[[/\b([Aa]) (picture|thing)\b/g,(m,a,w)=>`${a}n ${w==="picture"?"image":"object"}`],[/\bpictures\b/g,"images"],[/\bpicture\b/g,"image"],[/\bPictures\b/g,"Images"],[/\bPicture\b/g,"Image"],[/\bsentences\b/g,"queries"],[/\bsentence\b/g,"query"],[/\bSentences\b/g,"Queries"],[/\bSentence\b/g,"Query"],[/\b(joint )?postures\b/g,"joint configurations"],[/\b(joint )?posture\b/g,"joint configuration"],[/\bPostures\b/g,"Joint configurations"],[/\bPosture\b/g,"Joint configuration"],[/\bthings\b/g,"objects"],[/\bthing\b/g,"object"],[/\bThings\b/g,"Objects"],[/\bThing\b/g,"Object"]];
const fix=s=>W.reduce((t,[r,v])=>t.replace(r,v),s);
const Q=/\b(the one|one of the|is|not the same|what a|such a|same|every|no) things?\b/;
let n=0;
for(const f of files){ let s=fs.readFileSync(f,"utf8"); const sf=ts.createSourceFile(f,s,ts.ScriptTarget.Latest,true,f.endsWith("x")?ts.ScriptKind.TSX:ts.ScriptKind.TS);
 const spans=[]; 
 const seenC=new Set(); const addC=(pos)=>{ for(const c of [...(ts.getLeadingCommentRanges(s,pos)??[]),...(ts.getTrailingCommentRanges(s,pos)??[])]) if(!seenC.has(c.pos)){seenC.add(c.pos);spans.push([c.pos,c.end]);} };
 const visit=node=>{ 
  if (!ts.isJsxText(node)) addC(node.pos); if(!ts.isJsxText(node)&&node.end<s.length) { for(const c of (ts.getTrailingCommentRanges(s,node.end)??[])) if(!seenC.has(c.pos)){seenC.add(c.pos);spans.push([c.pos,c.end]);} }
  if(ts.isJsxText(node)) spans.push([node.pos,node.end]);
  if(ts.isStringLiteral(node)||ts.isNoSubstitutionTemplateLiteral(node)){ const t=node.text; if(/\s/.test(t.trim())&&!ts.isImportDeclaration(node.parent)&&!/^[#.]/.test(t)) spans.push([node.getStart(),node.end]); }
  else if(ts.isTemplateHead(node)||ts.isTemplateMiddle(node)||ts.isTemplateTail(node)){ if(/\s/.test(node.text.trim())||/^ | $/.test(node.text)) spans.push([node.getStart(),node.end]); }
  else if(node.kind===ts.SyntaxKind.RegularExpressionLiteral&&f.startsWith("test/")) spans.push([node.getStart(),node.end]);
  node.getChildren(sf).forEach(visit); };
 visit(sf); spans.sort((a,b)=>b[0]-a[0]); let out=s; const done=new Set();
 for(const [a,b] of spans){ if(done.has(a)) continue; done.add(a); const t=out.slice(a,b); const u=fix(t); if(u!==t){ out=out.slice(0,a)+u+out.slice(b); n++; } }
 if(out!==s) fs.writeFileSync(f,out);
}
console.log(n);
