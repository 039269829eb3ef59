/**
 * What may become markup. The page's own policy lets no string become HTML, script or a script's address; the one
 * exception is the empty string, by which React Aria's announcer empties its log. Imported before everything else.
 */
interface TrustedTypes {
  createPolicy(name: 'default', rules: { createHTML(text: string): string | null }): unknown;
}

// Refused by null: the browser then reports the attempt as if there were no policy. What has no rule is refused too.
(globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('default', {
  createHTML: (text) => (text === '' ? '' : null),
});
