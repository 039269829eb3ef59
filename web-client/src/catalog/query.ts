/** The longest search, and the longest name of a category, that the shop reads. */
export const QUERY_LETTERS_MAX = 200;
export const CATEGORY_LETTERS_MAX = 100;

/** Whether a text has more letters than `most`; the shop counts letters, not the units they are written in. */
export const isLonger = (text: string, most: number): boolean => [...text].length > most;
