/** How Vite names a worker's file. */
declare module '*?worker&url' {
  const url: string;
  export default url;
}
