// The glossary as a rule of the linter, for messages and comments; docs are checked by test/unit/prose.test.ts.
import { problemsOf } from './words.mjs';

const words = {
  create(context) {
    const check = (node, text) => {
      for (const message of problemsOf(text)) context.report({ node, message });
    };
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) check(comment, comment.value);
      },
      Literal(node) {
        if (typeof node.value === 'string' && node.value.includes(' ')) check(node, node.value);
      },
      TemplateElement(node) {
        check(node, node.value.cooked ?? '');
      },
    };
  },
};

// The linter takes a plugin by its default export.
// oxlint-disable-next-line import/no-default-export
export default { meta: { name: 'prose' }, rules: { words } };
