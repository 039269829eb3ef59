/** Joins class names; what is false is left out. */
export const look = (...parts: (string | false | undefined)[]): string => parts.filter(Boolean).join(' ');
