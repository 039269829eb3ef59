/** Pictures are 400 by 500 wherever they stand, so that nothing moves when they arrive. */
export const PICTURE = { width: 400, height: 500 } as const;
