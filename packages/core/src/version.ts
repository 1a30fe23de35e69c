/** This package's version, as in its package.json. */
export const version = "0.0.0";
