/** What the page's build makes of an import: the address of a script that runs apart. */
declare module '*?worker&url' {
  const address: string;
  export default address;
}
