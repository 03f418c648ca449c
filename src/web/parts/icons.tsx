/** Line drawings of 24 units; decoration, so a screen reader passes over them. */
const paths = {
  live: 'M3 8a2 2 0 0 1 2-2h9a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2zM16 11l5-3v8l-5-3z',
  timeline: 'M3 6h7M14 6h7M3 12h12M19 12h2M3 18h4M11 18h10',
  settings: 'M4 7h9M19 7h1M4 17h1M11 17h9M13 7a3 3 0 1 0 6 0 3 3 0 1 0-6 0M5 17a3 3 0 1 0 6 0 3 3 0 1 0-6 0',
  promises: 'M12 3l7 3v5c0 4.6-3 8-7 10-4-2-7-5.4-7-10V6zM9 12l2 2 4-4.5',
  alarm: 'M6 16v-5a6 6 0 0 1 12 0v5l2 2H4zM10 20.500a2.200 2.200 0 0 0 4 0',
  key: 'M4 15a4 4 0 1 0 8 0 4 4 0 1 0-8 0M11 12l8-8M16 7l3 3',
  clock: 'M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0M12 7v5l3.5 2',
  home: 'M4 11l8-7 8 7M6 9.5V20h12V9.5M10 20v-6h4v6',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM9 12a3 3 0 1 0 6 0 3 3 0 1 0-6 0',
  hidden: 'M4 4l16 16M9.5 6c.8-.3 1.600-.5 2.500-.5 6 0 9.500 6.500 9.500 6.500a17 17 0 0 1-3 3.700M6 7.600A16.500 16.500 0 0 0 2.500 12S6 18.500 12 18.500c1.400 0 2.700-.4 3.800-.9',
  book: 'M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11M9 8h6',
  person: 'M8 8a4 4 0 1 0 8 0 4 4 0 1 0-8 0M4 20c1-4 4.200-6 8-6s7 2 8 6',
  camera: 'M4 8h3l2-3h6l2 3h3v11H4zM8.500 13a3.500 3.500 0 1 0 7 0 3.500 3.500 0 1 0-7 0',
  play: 'M7 4.500v15l12-7.500z', pause: 'M8 5v14M16 5v14', close: 'M6 6l12 12M18 6L6 18', left: 'M15 5l-7 7 7 7', right: 'M9 5l7 7-7 7', up: 'M5 15l7-7 7 7', down: 'M5 9l7 7 7-7',
  plus: 'M12 5v14M5 12h14', minus: 'M5 12h14', full: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5', sound: 'M4 9.500v5h4l5 4V5.500l-5 4zM16.500 9a4.500 4.500 0 0 1 0 6M19 6.500a8 8 0 0 1 0 11', silent: 'M4 9.500v5h4l5 4V5.500l-5 4zM17 9.500l5 5M22 9.500l-5 5',
  microphone: 'M9 6a3 3 0 0 1 6 0v6a3 3 0 0 1-6 0zM5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3', back: 'M11 7L5 12l6 5M5 12h14', ahead10: 'M5 6v12l7-6zM13 6v12l7-6z', back10: 'M19 6v12l-7-6zM11 6v12l-7-6z',
  offline: 'M4 4l16 16M8.500 16a5 5 0 0 1 7 0M5 12.500a10 10 0 0 1 4-2.300M19 12.500a10 10 0 0 0-5-2.600M2 9a15 15 0 0 1 4.500-2.800M22 9a15 15 0 0 0-10.500-4M12 19.500h.01',
  clip: 'M6 3v15h15M3 6h15v15M6 18L18 6', playhead: 'M12 9v12M7 3h10v3l-5 4-5-4z',
  warning: 'M12 4l9 16H3zM12 10v4M12 17h.01', check: 'M5 12.500l4.500 4.500L19 7', print: 'M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z', save: 'M12 4v11M7.500 11l4.500 4.500 4.500-4.500M5 20h14', search: 'M4 10.500a6.500 6.500 0 1 0 13 0 6.500 6.500 0 1 0-13 0M15.500 15.500L21 21',
  eventBack: 'M6 5v14M19 5l-9 7 9 7z', eventAhead: 'M18 5v14M5 5l9 7-9 7z', theme: 'M12 3.500a8.500 8.500 0 1 0 0 17zM12 3.500a8.500 8.500 0 0 1 0 17', device: 'M7 3h10v18H7zM11 18h2', copy: 'M8 8h12v12H8zM4 16V4h12',
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return <svg class="icon-shape" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d={paths[name]} /></svg>;
}

export function Mark() {
  return <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="9" fill="#0f6b5c" />
    <path d="M8 25V14a8 8 0 0 1 16 0v11" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" />
    <path d="M13 25v-9a3 3 0 0 1 6 0v9" fill="none" stroke="#bfe8dc" stroke-width="2.600" stroke-linecap="round" />
  </svg>;
}
