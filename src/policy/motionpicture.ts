/** The size of the small gray pictures that are looked at for motion: what the hub has made (`capture/frames.ts`), and what is compared (`detect/motion.ts`). */
export const motionWidth = 160;
export const motionHeight = 90;
