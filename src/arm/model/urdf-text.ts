import { parseXml, type XmlElement } from "@rgrove/parse-xml";
import { describe } from "../../errors/index.js";

/**
 * The root element of a URDF, and a warning where the text is not well-formed XML but urdfdom reads it all the
 * same.
 */
export interface UrdfRoot {
  readonly root: XmlElement;
  readonly warning?: string;
}

/**
 * Reads XML strictly, and otherwise as urdfdom's parser (TinyXML-2) does. That parser allows `--` in comments, space
 * before the XML declaration or several declarations, and a bare `&` or `<` in an attribute.
 * @throws Error with the first reason why the text is not well-formed
 */
export function readUrdfXml(text: string): UrdfRoot {
  let problem: unknown;
  try {
    return { root: rootOf(text) };
  } catch (error) {
    problem = error;
  }
  try {
    const root = rootOf(wellFormed(text), true);
    return {
      root,
      warning: `it is not well-formed XML (${describe(problem)}), but read as urdfdom reads it`,
    };
  } catch {
    throw problem;
  }
}

function rootOf(text: string, ignoreUndefinedEntities = false): XmlElement {
  const { root } = parseXml(text, { ignoreUndefinedEntities });
  if (root === null) throw new Error("there is no element");
  return root;
}

/** The text without comments, XML declarations and control characters, its bare `&` and `<` escaped. */
function wellFormed(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const open = text.indexOf("<", at);
    if (open < 0) {
      parts.push(text.slice(at));
      break;
    }
    parts.push(text.slice(at, open));
    if (text.startsWith("<!--", open)) at = after(text, "-->", open + 4);
    else if (/^<\?xml\s/.test(text.slice(open, open + 6))) at = after(text, "?>", open);
    else {
      const cdata = text.startsWith("<![CDATA[", open);
      at = cdata ? after(text, "]]>", open) : tagEnd(text, open);
      parts.push(cdata ? text.slice(open, at) : escapedTag(text.slice(open, at)));
    }
  }
  return parts
    .join("")
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "")
    .replace(/&(?!#?\w+;)/g, "&amp;")
    .trim();
}

/** The position behind `end`. @throws Error when it does not come */
function after(text: string, end: string, from: number): number {
  const found = text.indexOf(end, from);
  if (found < 0) throw new Error(`${end} is missing`);
  return found + end.length;
}

/** The position behind the `>` of the tag that opens at `open`; a `>` between quotes belongs to an attribute. */
function tagEnd(text: string, open: number): number {
  let quote = "";
  for (let i = open + 1; i < text.length; i++) {
    const character = text[i] as string;
    if (quote !== "") {
      if (character === quote) quote = "";
    } else if (character === '"' || character === "'") quote = character;
    else if (character === ">") return i + 1;
  }
  throw new Error("a tag does not end");
}

/** A tag with `<` escaped inside its attributes' values, and a space behind each value. */
const escapedTag = (tag: string): string =>
  tag.startsWith("<!") || tag.startsWith("<?")
    ? tag
    : tag.replace(
        /=\s*("[^"]*"|'[^']*')(?=(\w?))/g,
        (value, _quoted, next: string) => `${value.replaceAll("<", "&lt;")}${next === "" ? "" : " "}`,
      );
