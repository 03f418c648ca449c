/** The version that `--version`, `status` and receipts name; a test holds it equal to package.json. */
export const version = '0.1.0';
