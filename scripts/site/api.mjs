// A plugin of typedoc: an export of src/index.ts belongs to the folder of src that declares it, so the pages of the
// library's API are sorted as the folders are.
import { Comment, CommentTag, Converter } from "typedoc";

const names = {
  arm: "The arm",
  bags: "Bags",
  errors: "Errors",
  geometry: "Geometry",
  grasping: "Grasping",
  grounding: "Grounding",
  inference: "Inference",
  pipeline: "Pipeline",
};

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    for (const reflection of context.project.children ?? []) {
      const [declaration] = context.getSymbolFromReflection(reflection)?.declarations ?? [];
      const folder = /\/src\/([\w-]+)\//.exec(declaration?.getSourceFile().fileName ?? "")?.[1];
      const category = names[folder];
      if (category === undefined)
        throw new Error(`docs:site: ${reflection.name} is of src/${folder}, which api.mjs does not name`);
      const holders = reflection.signatures ?? [reflection];
      for (const holder of holders) {
        holder.comment ??= new Comment();
        holder.comment.blockTags.push(new CommentTag("@category", [{ kind: "text", text: category }]));
      }
    }
  });
}
