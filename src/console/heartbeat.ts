/**
 * The times that hold-to-run is made of, for the page and the server. An operator who cannot release any more (a
 * frozen page, a cut
 * network) must not move the arm for longer than 300 ms: `deadman` and what the arm takes to brake stay below that with
 * 100 ms to spare for a machine that is busy, and three heartbeats may be late or lost before one counts as silence.
 */

/** Milliseconds from one heartbeat of a held button to the next. */
export const beatEvery = 25;

/** Silence of the one who holds the button after which the arm is stopped, in milliseconds. */
export const deadman = 120;
