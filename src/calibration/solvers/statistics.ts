export const degrees = (radians: number): number => (radians * 180) / Math.PI;
